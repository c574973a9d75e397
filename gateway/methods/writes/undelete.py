"""Undelete: a soft-deleted row back (AIP-164)."""

from collections.abc import Sequence

from google.protobuf.message import Message

from gateway.db.coalesce import RequestedWrite
from gateway.db.database import Row
from gateway.errors import RowgateError
from gateway.methods.engine import Engine
from gateway.methods.error_mapping import map_error
from gateway.methods.idempotent import Session
from gateway.methods.row_changes.by_key import UPDATING, Changes, Edit
from gateway.methods.writes.expected_version import expectation
from gateway.methods.writes.items import One
from gateway.request.keys import key_reader
from gateway.response.rows import row_to_message
from gateway.response.shape import RowShape
from gateway.schema.model import StandardMethod
from gateway.sql.writes.change import Change


class _Undeleting:
    def __init__(self, method: StandardMethod, engine: Engine) -> None:
        self._resource = method.resource
        self._read_key = key_reader(method.resource, method.keys)
        self._expected = expectation(method)
        resource = method.resource
        rules, presets = engine.rules_of(resource), engine.presets_of(resource)
        self._changes = Changes(resource, engine.table(resource), rules, UPDATING, presets)
        self._message = row_to_message(RowShape(method.resource, method.resource.fields))

    def read(self, request: Message, place: str) -> Edit:
        return Edit(self._read_key(request, place), place, expected=self._expected(request, place))

    def is_alone(self, _: Edit) -> bool:
        return True

    def requested_write(self, request: Message) -> RequestedWrite | None:
        return self._changes.requested_write(Change.UNDELETE, self.read(request, ""))

    def answer(self, row: Row) -> Message:
        return self._message(row)

    async def write(self, session: Session, items: Sequence[Edit]) -> list[Message]:
        met = await self._changes.apply(session, Change.UNDELETE, items)
        changed = self._changes.changed
        return [self._message(changed(*pair, live=False)) for pair in zip(items, met, strict=True)]

    def singly(self, _: Edit) -> None:
        return None

    def map_error(self, error: RowgateError, _: Edit) -> RowgateError:
        # A partial unique index over live rows may have a new holder.
        return map_error(error, self._resource, "")


class Undelete(One):
    """Answers the row. Raises NotFound, and AlreadyExists (reason ROW_NOT_DELETED) for a live row."""

    def __init__(self, method: StandardMethod, engine: Engine) -> None:
        super().__init__(method, engine, _Undeleting(method, engine))
