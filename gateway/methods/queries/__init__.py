"""SQL methods: a request's parameters, the query, and the response of its rows."""

from typing import cast

from gateway.methods.engine import Engine
from gateway.methods.handlers import AnyHandler
from gateway.methods.queries.stream import StreamedQuery
from gateway.methods.queries.unary import UnaryQuery, WritingQuery
from gateway.methods.validated import with_whole_requests
from gateway.request.validation import rules_of
from gateway.schema.sql_method import SqlMethod

__all__ = ["query_handler"]


def query_handler(method: SqlMethod, engine: Engine) -> AnyHandler:
    """Return the handler of a SQL method, which is held to the rules of its request."""
    handler = _handler(method, engine)
    rules = rules_of(method.descriptor.input_type)
    return handler if rules is None else cast("AnyHandler", with_whole_requests(handler, rules))


def _handler(method: SqlMethod, engine: Engine) -> AnyHandler:
    if method.descriptor.server_streaming:
        return StreamedQuery(method, engine)
    return WritingQuery(method, engine) if method.writes else UnaryQuery(method, engine)
