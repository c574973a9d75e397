"""What the tests of reading share: rows put in by SQL, past the gateway, and lists read to the end."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.schema.model import Field, Resource
from tests.harness.gateway import RunningGateway


class Stored:
    """A gateway over a table with rows. No dataclass: a property test prints its arguments' fields."""

    def __init__(self, gateway: RunningGateway) -> None:
        self.gateway = gateway
        self.call = gateway.call
        self.sql = gateway.sql


_ZEROS = {"text": "", "bytea": "\\x", "boolean": False, "timestamp with time zone": "2000-01-01T00:00:00Z"}


async def insert(
    gateway: RunningGateway | Stored, resource: Resource, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert rows, given as JSON by column; a NOT NULL column without a value gets its type's zero."""
    zeros = {field.column: _zero(field) for field in resource.fields if not field.nullable}
    columns = [field.column for field in resource.fields if field.generated is None]
    names = ", ".join(f'"{column}"' for column in columns)
    table = f'"{resource.schema}"."{resource.table}"'
    whole = [{**zeros, **row} for row in rows]
    await gateway.sql(
        f"INSERT INTO {table} ({names}) SELECT {names} FROM jsonb_populate_recordset(NULL::{table}, $1)",  # noqa: S608 - the test's own names
        json.dumps(whole),
    )


def _zero(field: Field) -> Any:
    if field.descriptor.is_repeated:
        message = field.descriptor.message_type
        return {} if message is not None and message.GetOptions().map_entry else []
    if field.type.sql.startswith("character varying"):
        return ""
    return _ZEROS.get(field.type.sql, 0)


async def read_all(
    gateway: RunningGateway | Stored, method: str, rows: str, page_size: int, **request: Any
) -> list[Any]:
    """Read a list's pages to the end; return its messages in order."""
    found: list[Any] = []
    token = ""
    for _ in range(1000):
        page = await gateway.call(method, {"page_size": page_size, "page_token": token, **request})
        messages = list(getattr(page, rows))
        assert len(messages) <= page_size
        found += messages
        token = page.next_page_token
        if not token:
            return found
    raise AssertionError("the pages never end")
