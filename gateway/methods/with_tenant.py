"""Methods that create rows of a tenant: a row that is sent without its tenant is the caller's tenant's."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from google.protobuf.message import Message

from gateway.auth.principal import Principal
from gateway.methods.engine import Engine
from gateway.methods.handlers import AnyHandler
from gateway.methods.sent_messages import seen, sent_rows, single_requests
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
        return self._handler(seen(request, partial(self._fill, caller=call.principal)), call)

    def _fill(self, request: Message, caller: Principal) -> None:
        value = self._tenant.of(caller)
        if value is None:
            return
        for one, method, place in single_requests(self._method, request):
            if not _may_create(method, one):
                continue
            for row, _ in sent_rows(method, one, place):
                # A value that the field can't hold is no row's: the rules refuse the row without it.
                if not self._is_set(row):
                    with suppress(ValueError):
                        setattr(row, self._name, value)

    def _is_set(self, row: Message) -> bool:
        if self._tenant.field.has_presence:
            return bool(row.HasField(self._name))
        return bool(getattr(row, self._name))


def _may_create(method: Method, request: Message) -> bool:
    missing = method.request.get("allow_missing")
    return method.kind is not MethodKind.UPDATE or (missing is not None and getattr(request, missing.name))
