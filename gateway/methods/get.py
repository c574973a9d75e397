"""Get: one row by key (AIP-131)."""

from google.protobuf.message import Message

from gateway.errors import NotFound, ResourceRef
from gateway.methods.engine import Engine
from gateway.request.call import Call
from gateway.request.keys import key_reader, key_text
from gateway.response.rows import row_to_message
from gateway.schema.model import Method
from gateway.sql.read import select_by_key


class Get:
    """Answers soft-deleted rows too (AIP-164). Raises NotFound with the key."""

    def __init__(self, method: Method, engine: Engine) -> None:
        self._resource = method.resource
        self._database = engine.database
        self._read_key = key_reader(method.resource, method.keys)
        self._statement = select_by_key(method.resource, engine.table(method.resource), method.resource.fields)
        self._message = row_to_message(method.resource, self._statement.fields)

    async def __call__(self, request: Message, call: Call) -> Message:
        """Return the row's message."""
        key = self._read_key(request)
        rows = await self._database.fetch(self._statement, self._statement.arguments(key), call)
        if not rows:
            raise self._not_found(key_text(self._resource, key))
        return self._message(rows[0])

    def _not_found(self, key: str) -> NotFound:
        name = self._resource.message.full_name
        return NotFound(
            f"{name} {key} is not there",
            reason="ROW_NOT_FOUND",
            resources=[ResourceRef(name, key)],
        )
