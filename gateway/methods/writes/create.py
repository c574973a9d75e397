"""Create: one new row (AIP-133)."""

from collections.abc import Sequence
from functools import partial

from google.protobuf.message import Message

from gateway.db.coalesce import RequestedWrite
from gateway.db.database import Row
from gateway.errors import InvalidArgument, RowgateError
from gateway.methods.engine import Engine
from gateway.methods.error_mapping import map_error
from gateway.methods.event_loop_turns import each_in_turns
from gateway.methods.idempotent import Session
from gateway.methods.row_changes.inserts import Inserts
from gateway.methods.row_changes.trees import Holder, TreeWriter
from gateway.methods.writes.items import One, Singly
from gateway.request.keys import below
from gateway.request.relations.trees import NewRow, TreeReader, check_held_count
from gateway.response.rows import row_to_message
from gateway.response.sent_rows import sent_row
from gateway.response.shape import RowShape
from gateway.schema.model import StandardMethod


class Creating:
    """Reads and inserts new rows.

    Server-set fields are ignored: the version is 1, the timestamps are the transaction's. A refusal by the
    database names the fields: ALREADY_EXISTS for a taken key.
    """

    def __init__(self, method: StandardMethod, engine: Engine) -> None:
        self._resource = method.resource
        self._field = method.request["resource"].name
        self._rows = TreeReader(method.resource, method.related)
        self._trees = TreeWriter(method.resource, method.related, engine)
        self._inserts = Inserts(method.resource, engine)
        shape = RowShape(method.resource, method.resource.fields)
        self._message, self._sent = row_to_message(shape), sent_row(shape)

    def read(self, request: Message, place: str) -> NewRow:
        """Return the row that a Create request asks for."""
        path = below(place, self._field)
        return self._rows.new(required(request, self._field, path), path)

    def is_alone(self, item: NewRow) -> bool:
        """Whether one statement does it: where it holds no others."""
        return not item.held

    def requested_write(self, request: Message) -> RequestedWrite | None:
        """Return the insertion as a statement that can be shared; None of a row that holds others."""
        row = self.read(request, "")
        return None if row.held else self._inserts.requested_write(row.values)

    def answer(self, row: Row) -> Message:
        """Return the stored row's message."""
        return self._sent(row)

    async def write(self, session: Session, items: Sequence[NewRow]) -> list[Message]:
        """Insert the rows, and those that they hold; return them as stored."""
        check_held_count([held for item in items for held in item.held], items[0].path)
        rows = await self._inserts.insert(session, [item.values for item in items])
        messages = await each_in_turns(self._message, rows)
        if any(item.held for item in items):
            await self._trees.write(session, _holders(rows, messages, items))
        return messages

    def singly(self, item: NewRow) -> Singly | None:
        """Return what inserts a row and those that it holds one by one; None where it holds none."""
        return partial(self._insert_singly, item=item) if item.held else None

    async def _insert_singly(self, session: Session, item: NewRow) -> None:
        try:
            (row,) = await self._inserts.insert(session, [item.values])
        except RowgateError as error:
            raise self.map_error(error, item) from error.__cause__
        await self._trees.write(session, _holders([row], [self._message(row)], [item]), singly=True)

    def map_error(self, error: RowgateError, item: NewRow) -> RowgateError:
        """Return the refusal with the fields' proto paths, and the key that is taken."""
        key = item.values if all(name in item.values for name in self._resource.primary_key) else None
        return map_error(error, self._resource, item.path, key, item.values)


def _holders(rows: Sequence[Row], messages: Sequence[Message], items: Sequence[NewRow]) -> list[Holder]:
    return [
        Holder(row, message, new=item.held) for row, message, item in zip(rows, messages, items, strict=True)
    ]


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
