"""The statement of a SQL method."""

from gateway.schema.sql_method import SqlMethod
from gateway.sql.statement import Statement


def query_statement(method: SqlMethod) -> Statement:
    """Return the statement of a method: of one that reads, it has one row more than may be answered."""
    text = method.query.numbered(method.casts).text
    if not method.writes and not method.descriptor.server_streaming:
        text = f"SELECT * FROM (\n{text}\n) AS answer LIMIT {method.max_rows + 1}"  # noqa: S608 - of the schema
    return Statement(
        text=text,
        binds=(),
        fields=tuple(column.field for column in method.columns),
        writes=method.writes,
        name=method.full_name,
        constants={},
    )
