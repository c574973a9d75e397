"""Methods of resources some of whose columns aren't everybody's: a handler for each kind of caller."""

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Any

from google.protobuf.message import Message

from gateway.methods.engine import Engine
from gateway.methods.handlers import AnyHandler
from gateway.methods.sent_messages import handled, sent_masks, sent_rows, single_requests
from gateway.policy.columns import ColumnLimits, RelatedLimits, limits_of, narrowed
from gateway.request.keys import below
from gateway.request.rows import not_allowed, unwritable_fields
from gateway.schema.model import MethodKind, StandardMethod

_KINDS = 64
"""How many kinds of callers have a handler at once. Only roles that the schema names make one."""
_CREATING = frozenset({MethodKind.CREATE, MethodKind.BATCH_CREATE})
"""BulkUpsert and Ingest refuse such rows themselves: where failures are partial, these alone."""


class ByColumns:
    """Answers each caller by a handler to which hidden fields don't exist, and masked ones are masks alone.

    What a caller sends of fields that it may not write is refused: with a new row, and in an update mask. An
    update without a mask leaves them alone, so that a row may be sent back as it was read.

    Args:
        method: the method.
        engine: the gateway's parts.
        make: makes a handler.

    """

    def __init__(
        self, method: StandardMethod, engine: Engine, make: Callable[[StandardMethod, Engine], AnyHandler]
    ) -> None:
        self._method = method
        self._max_rows = engine.bulk_max_rows
        self._named = frozenset(
            role
            for resource in (method.resource, *method.related.values())
            for field in resource.fields
            for role in (*field.access.read, *field.access.write)
        )
        self._handler = lru_cache(_KINDS)(
            lambda limits, related: make(narrowed(method, limits, related), engine)
        )
        self._limits = lru_cache(_KINDS)(lambda roles: limits_of(method.resource, roles))
        self._related = lru_cache(_KINDS)(self._limits_of_related)

    def __call__(self, request: Any, call: Any) -> Any:
        """Return what the caller's handler does; raises PermissionDenied."""
        roles = call.principal.roles & self._named
        limits = self._limits(roles)
        handler: Any = self._handler(limits, self._related(roles))
        if not limits.unwritable:
            return handler(request, call)
        return handled(self._method, handler, request, call, partial(self._checked, limits=limits))

    def _limits_of_related(self, roles: frozenset[str]) -> RelatedLimits:
        return tuple((name, limits_of(one, roles)) for name, one in self._method.related.items())

    def _checked(self, request: Message, limits: ColumnLimits) -> Iterator[None]:
        for asked, field in self._method.equals:
            if field.name in limits.unreadable and _is_set(request, asked.name):
                raise not_allowed(asked.name, done="asked for")
        unwritable = limits.unwritable
        for one, method, place in single_requests(self._method, request):
            _check_mask(one, method, place, unwritable)
            yield
            if method.kind in _CREATING:
                for row, path in sent_rows(method, one, place, self._max_rows):
                    _check_row(row, path, unwritable)
                    yield


def _check_mask(request: Message, method: StandardMethod, place: str, unwritable: frozenset[str]) -> None:
    for paths, name in sent_masks(method, request, place):
        for path in paths:
            field = path.partition(".")[0]
            if field in unwritable:
                raise not_allowed(name, named=field)


def _check_row(row: Message, path: str, unwritable: frozenset[str]) -> None:
    for name in unwritable_fields(row, unwritable):
        raise not_allowed(below(path, name))


def _is_set(request: Message, name: str) -> bool:
    return any(descriptor.name == name for descriptor, _ in request.ListFields())
