"""Methods of tables with presets: each row that is sent gets what these say, whatever stood there."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from google.protobuf.message import Message

from gateway.auth.principal import Principal
from gateway.methods.engine import Engine
from gateway.methods.handlers import AnyHandler
from gateway.methods.sent_messages import handled, held_rows, sent_rows, single_requests
from gateway.policy.presets import Preset, Presets
from gateway.request.keys import below
from gateway.schema.model import Field, MethodKind, StandardMethod

_CREATING = frozenset({MethodKind.CREATE, MethodKind.BULK_UPSERT, MethodKind.INGEST})
_CHANGING = frozenset({MethodKind.UPDATE, MethodKind.BULK_UPSERT, MethodKind.INGEST})
_NONE = Presets(())
SENDING = _CREATING | _CHANGING | {MethodKind.BATCH_CREATE, MethodKind.BATCH_UPDATE}
"""The methods that send rows."""


class WithPresets:
    """Fills the preset fields of rows that are sent, before the handler sees them.

    Which of them the handler then takes is told by the fields (`is_created`, `is_changed`). Whether a row
    may be written is for the table's rules to say, whoever set its fields.

    Args:
        method: the method.
        engine: the gateway's parts.
        make: makes the handler.
        presets: of the tables, by the full names of their messages.

    """

    def __init__(
        self,
        method: StandardMethod,
        engine: Engine,
        make: Callable[[StandardMethod, Engine], AnyHandler],
        presets: Mapping[str, Presets],
    ) -> None:
        self._method = method
        self._presets = presets
        self._max_rows = engine.bulk_max_rows
        self._handler: Any = make(method, engine)

    def __call__(self, request: Any, call: Any) -> Any:
        """Return what the handler does; raises PermissionDenied for a caller without a value."""
        fill = partial(self._filled, caller=call.principal)
        return handled(self._method, self._handler, request, call, fill)

    def _filled(self, request: Message, caller: Principal) -> Iterator[None]:
        own = self._presets.get(self._method.resource.message.full_name, _NONE)
        values = own.values(caller)
        for one, method, place in single_requests(self._method, request):
            wanted = [preset for preset in own.all if _is_taken(preset, method, one)]
            for row, path in sent_rows(method, one, place, self._max_rows):
                _fill(row, path, wanted, values)
                yield
                for resource, held, at in held_rows(method, one, row, path) if method.related else ():
                    presets = self._presets.get(resource.message.full_name, _NONE)
                    _fill(held, at, presets.all, presets.values(caller))
                    yield


def _fill(row: Message, path: str, wanted: Sequence[Preset], values: Mapping[str, Any]) -> None:
    for preset in wanted:
        name = preset.field.name
        if values[name] is not None and (preset.always or not _is_set(preset.field, row)):
            setattr(row, name, values[name])
        elif preset.always:
            raise preset.refusal(below(path, name))


def _is_taken(preset: Preset, method: StandardMethod, request: Message) -> bool:
    missing = method.request.get("allow_missing")
    creates = method.kind in _CREATING or (missing is not None and bool(getattr(request, missing.name)))
    return (preset.create and creates) or (preset.update and method.kind in _CHANGING)


def _is_set(field: Field, row: Message) -> bool:
    if field.has_presence:
        return bool(row.HasField(field.name))
    return bool(getattr(row, field.name))
