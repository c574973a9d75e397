"""UpdateByFilter: the same change of all rows that a filter finds."""

from dataclasses import dataclass

from google.protobuf.message import Message

from gateway.errors import InvalidArgument, RowgateError
from gateway.methods.engine import Engine
from gateway.methods.error_mapping import map_error
from gateway.methods.idempotent import Session
from gateway.methods.row_changes.by_filter import ByFilter, Changed, Wanted
from gateway.methods.row_changes.by_key import UPDATING
from gateway.methods.row_changes.masked_values import MaskedValues
from gateway.methods.writes.changed_by_filter import ChangedByFilter
from gateway.request.calls.call import Call
from gateway.request.keys import below
from gateway.request.rows import Values
from gateway.request.transforms import Transforms
from gateway.request.unreadable import is_set
from gateway.schema.model import StandardMethod
from gateway.sql.writes.change import Change


@dataclass(frozen=True, slots=True)
class _Asked:
    wanted: Wanted
    values: Values
    defaults: tuple[str, ...]
    transforms: Transforms


class _Updating:
    """Changes what an update of one row would change, by the same mask, of each row that is found."""

    def __init__(self, method: StandardMethod, engine: Engine) -> None:
        self._resource = method.resource
        self._field = method.request["resource"].name
        self._by_filter = ByFilter(method, engine, UPDATING)
        self._values = MaskedValues(method)
        self._presets = engine.presets_of(method.resource) if method.resource.changed_by else None

    def read(self, request: Message, call: Call) -> _Asked:
        wanted = self._by_filter.read(request, call)
        message = getattr(request, self._field)
        self._refuse_key(message)
        sent = self._values.read(request, message, "")
        if not (sent.values or sent.defaults or sent.transforms.shape):
            text = "says nothing to change: set a field, and name it in update_mask where there is one"
            raise InvalidArgument.field(self._field, text, reason="REQUIRED")
        preset = self._presets.of_changes(call.principal) if self._presets is not None else {}
        kept = tuple(column for column in sent.defaults if column not in preset)
        return _Asked(wanted, {**sent.values, **preset}, kept, sent.transforms)

    def _refuse_key(self, message: Message) -> None:
        for field in self._resource.key_fields:
            if is_set(message, field):
                text = "is part of the key, which no update changes: say in the filter which rows are meant"
                raise InvalidArgument.field(below(self._field, field.name), text, reason="KEY_NOT_TAKEN")

    async def change(self, session: Session, asked: _Asked, *, shows: bool) -> Changed:
        return await self._by_filter.change(
            session,
            Change.UPDATE,
            asked.wanted,
            values=asked.values,
            defaults=asked.defaults,
            transforms=asked.transforms,
            shows=shows,
        )

    def map_error(self, error: RowgateError, asked: _Asked) -> RowgateError:
        return map_error(error, self._resource, self._field, values=asked.values)


class UpdateByFilter(ChangedByFilter):
    """Answers how many rows were changed.

    Raises FailedPrecondition (reason TOO_MANY_ROWS_FOUND) where the filter finds more than max_rows, and
    PermissionDenied (ROW_NOT_ALLOWED) where a row may not become what is asked: nothing is changed then.
    """

    def __init__(self, method: StandardMethod, engine: Engine) -> None:
        super().__init__(method, engine, _Updating(method, engine))
