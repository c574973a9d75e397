"""SQL methods: a request's parameters, the query, and the response of its rows."""

from gateway.methods.engine import Engine
from gateway.methods.handlers import AnyHandler
from gateway.methods.queries.stream import StreamedQuery
from gateway.methods.queries.unary import UnaryQuery, WritingQuery
from gateway.schema.sql_method import SqlMethod

__all__ = ["query_handler"]


def query_handler(method: SqlMethod, engine: Engine) -> AnyHandler:
    """Return the handler of a SQL method."""
    if method.descriptor.server_streaming:
        return StreamedQuery(method, engine)
    return WritingQuery(method, engine) if method.writes else UnaryQuery(method, engine)
