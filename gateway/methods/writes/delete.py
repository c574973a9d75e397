"""Delete: one row away, or marked as deleted (AIP-135, AIP-164)."""

from collections.abc import Sequence

from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.db.coalesce import RequestedWrite
from gateway.db.database import Row
from gateway.errors import RowgateError
from gateway.methods.engine import Engine
from gateway.methods.idempotent import Session
from gateway.methods.row_changes.by_key import Edit
from gateway.methods.row_changes.removals import Removal, Removals
from gateway.methods.writes.expected_version import expectation
from gateway.methods.writes.items import One, flag
from gateway.request.keys import key_reader
from gateway.response.rows import row_to_message
from gateway.response.shape import RowShape
from gateway.schema.model import StandardMethod


class Deleting:
    """Reads deletions, and answers them."""

    def __init__(self, method: StandardMethod, engine: Engine) -> None:
        resource = method.resource
        self._roles = method.request
        self._read_key = key_reader(resource, method.keys)
        self._expected = expectation(method)
        self._removals = Removals(resource, engine)
        self._row = row_to_message(RowShape(resource, resource.fields))
        shows_rows = method.descriptor.output_type.full_name != Empty.DESCRIPTOR.full_name
        self._nothing: type[Message] = GetMessageClass(resource.message) if shows_rows else Empty
        self._shows_rows = shows_rows

    def read(self, request: Message, place: str) -> Removal:
        """Return what a Delete request asks for."""
        edit = Edit(self._read_key(request, place), place, expected=self._expected(request, place))
        force = flag(request, self._roles, "force") if "force" in self._roles else None
        return Removal(edit, allow_missing=flag(request, self._roles, "allow_missing"), force=force)

    def is_alone(self, item: Removal) -> bool:
        """Whether one statement does it: where no rows that refer to the row are looked at."""
        return not self._removals.is_careful(force=item.force)

    def requested_write(self, request: Message) -> RequestedWrite | None:
        """Return the deletion as a statement that can be shared, unless other rows are looked at."""
        return self._removals.requested_write(self.read(request, ""))

    def answer(self, row: Row) -> Message:
        """Return the row's message, where the response is the row."""
        return self._row(row) if self._shows_rows else self._nothing()

    async def write(self, session: Session, items: Sequence[Removal]) -> list[Message]:
        """Delete the rows; return them as they are now, or were.

        What is missing, where that is allowed, answers an empty message.
        """
        rows = await self._removals.remove(session, items)
        return [self._nothing() if row is None else self.answer(row) for row in rows]

    def singly(self, _: Removal) -> None:
        """Return nothing: it is one row."""

    def map_error(self, error: RowgateError, item: Removal) -> RowgateError:
        """Return the refusal of a row that others refer to with the name of their table."""
        return self._removals.map_error(error, item.edit.place)


class Delete(One):
    """Answers the row where the response is the resource, else google.protobuf.Empty.

    Raises NotFound, also for a row that is soft-deleted already, unless allow_missing is set; Aborted (reason
    ETAG_MISMATCH); and FailedPrecondition (reason ROW_IS_REFERENCED) naming the table that refers to the row.
    """

    def __init__(self, method: StandardMethod, engine: Engine) -> None:
        super().__init__(method, engine, Deleting(method, engine))
