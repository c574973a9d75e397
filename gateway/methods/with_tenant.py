"""Methods that create rows of a tenant: a row that is sent without its tenant is the caller's tenant's."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import Any

from google.protobuf.message import Message

from gateway.auth.principal import Principal
from gateway.methods.engine import Engine
from gateway.methods.handlers import AnyHandler
from gateway.policy.tenants import TenantColumn
from gateway.schema.model import Method, MethodKind

CREATING = frozenset(
    {
        MethodKind.CREATE,
        MethodKind.BATCH_CREATE,
        MethodKind.UPDATE,
        MethodKind.BATCH_UPDATE,
        MethodKind.BULK_UPSERT,
        MethodKind.INGEST,
    }
)
"""The methods that may create rows."""


class WithTenant:
    """Fills the tenant's field of new rows that leave it unset, before the handler sees them.

    Whether the row may be written is for the table's rules to say, whoever set the tenant.

    Args:
        method: the method.
        engine: the gateway's parts.
        make: makes the handler.
        tenant: the field.

    """

    def __init__(
        self,
        method: Method,
        engine: Engine,
        make: Callable[[Method, Engine], AnyHandler],
        tenant: TenantColumn,
    ) -> None:
        self._method = method
        self._tenant = tenant
        self._name = tenant.field.name
        self._handler: Any = make(method, engine)

    def __call__(self, request: Any, call: Any) -> Any:
        """Return what the handler does."""
        if isinstance(request, Message):
            self._fill(request, call.principal)
            return self._handler(request, call)
        return self._handler(self._filled(request, call.principal), call)

    async def _filled(self, requests: AsyncIterator[Message], caller: Principal) -> AsyncIterator[Message]:
        async for request in requests:
            self._fill(request, caller)
            yield request

    def _fill(self, request: Message, caller: Principal) -> None:
        value = self._tenant.of(caller)
        if value is None:
            return
        for row in _new_rows(self._method, request):
            # A value that the field can't hold is no row's: the rules refuse the row without it.
            if not self._is_set(row):
                with suppress(ValueError):
                    setattr(row, self._name, value)

    def _is_set(self, row: Message) -> bool:
        if self._tenant.field.has_presence:
            return bool(row.HasField(self._name))
        return bool(getattr(row, self._name))


def _new_rows(method: Method, request: Message) -> Iterator[Message]:
    """Yield the rows of a request that may be new."""
    requests, rows = method.request.get("requests"), method.request.get("rows")
    if rows is not None:
        yield from getattr(request, rows.name)
    elif requests is not None and method.item is not None:
        for one in getattr(request, requests.name):
            yield from _new_row(method.item, one)
    else:
        yield from _new_row(method, request)


def _new_row(method: Method, request: Message) -> Iterator[Message]:
    resource, missing = method.request.get("resource"), method.request.get("allow_missing")
    is_update = method.kind is MethodKind.UPDATE
    if is_update and not (missing is not None and getattr(request, missing.name)):
        return
    if resource is not None and request.HasField(resource.name):
        yield getattr(request, resource.name)
