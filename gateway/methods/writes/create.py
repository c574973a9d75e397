"""Create: one new row (AIP-133)."""

from collections.abc import Sequence
from dataclasses import dataclass

from google.protobuf.message import Message

from gateway.db.coalesce import RequestedWrite
from gateway.db.database import Row
from gateway.errors import InvalidArgument, RowgateError
from gateway.methods.engine import Engine
from gateway.methods.error_mapping import map_error
from gateway.methods.event_loop_turns import each_in_turns
from gateway.methods.idempotent import Session
from gateway.methods.row_changes.inserts import Inserts
from gateway.methods.writes.items import One
from gateway.request.keys import below
from gateway.request.rows import Values, new_row_reader
from gateway.response.rows import row_to_message
from gateway.response.sent_rows import sent_row
from gateway.response.shape import RowShape
from gateway.schema.model import StandardMethod


@dataclass(frozen=True, slots=True)
class NewRow:
    """A row to insert: driver values by column, and its message's proto path."""

    values: Values
    path: str


class Creating:
    """Reads and inserts new rows.

    Server-set fields are ignored: the version is 1, the timestamps are the transaction's. A refusal by the
    database names the fields: ALREADY_EXISTS for a taken key.
    """

    def __init__(self, method: StandardMethod, engine: Engine) -> None:
        self._resource = method.resource
        self._field = method.request["resource"].name
        self._read_row = new_row_reader(method.resource)
        self._inserts = Inserts(method.resource, engine)
        shape = RowShape(method.resource, method.resource.fields)
        self._message, self._sent = row_to_message(shape), sent_row(shape)

    def read(self, request: Message, place: str) -> NewRow:
        """Return the row that a Create request asks for."""
        path = below(place, self._field)
        return NewRow(self._read_row(required(request, self._field, path), path), path)

    def is_alone(self, _: NewRow) -> bool:
        """Whether one statement does it: always."""
        return True

    def requested_write(self, request: Message) -> RequestedWrite | None:
        """Return the insertion as a statement that can be shared."""
        return self._inserts.requested_write(self.read(request, "").values)

    def answer(self, row: Row) -> Message:
        """Return the stored row's message."""
        return self._sent(row)

    async def write(self, session: Session, items: Sequence[NewRow]) -> list[Message]:
        """Insert the rows; return them as stored."""
        rows = await self._inserts.insert(session, [item.values for item in items])
        return await each_in_turns(self._message, rows)

    def map_error(self, error: RowgateError, item: NewRow) -> RowgateError:
        """Return the refusal with the fields' proto paths, and the key that is taken."""
        key = item.values if all(name in item.values for name in self._resource.primary_key) else None
        return map_error(error, self._resource, item.path, key, item.values)


def required(request: Message, name: str, path: str) -> Message:
    """Return a message field of the request; raises InvalidArgument (reason REQUIRED) where it is unset."""
    if not request.HasField(name):
        raise InvalidArgument.field(path, "is required", reason="REQUIRED")
    message: Message = getattr(request, name)
    return message


class Create(One):
    """Answers the row as stored, defaults and server-set fields included."""

    def __init__(self, method: StandardMethod, engine: Engine) -> None:
        super().__init__(method, engine, Creating(method, engine))
