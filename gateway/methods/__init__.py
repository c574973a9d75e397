"""The standard methods, a file each; each reads, top to bottom, as the way of a request. None holds SQL."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from gateway.methods.bulk.ingest import Ingest
from gateway.methods.bulk.upsert import BulkUpsert
from gateway.methods.by_columns import ByColumns
from gateway.methods.engine import Engine
from gateway.methods.handlers import (
    AnyHandler,
    BidiHandler,
    Handler,
    Piece,
    RequestsHandler,
    Response,
    StreamHandler,
    WrittenResponse,
)
from gateway.methods.queries import query_handler
from gateway.methods.reads.aggregate import Aggregate
from gateway.methods.reads.batch_get import BatchGet
from gateway.methods.reads.count import Count
from gateway.methods.reads.exists import Exists
from gateway.methods.reads.get import Get
from gateway.methods.reads.list_rows import List
from gateway.methods.reads.search import Search
from gateway.methods.reads.stream import Stream
from gateway.methods.transactions.admission import StepAdmission, TransactionHandler
from gateway.methods.transactions.session import Session
from gateway.methods.transactions.transact import Transact
from gateway.methods.validated import Validated
from gateway.methods.with_presets import SENDING, WithPresets
from gateway.methods.writes.batch_create import BatchCreate
from gateway.methods.writes.batch_delete import BatchDelete
from gateway.methods.writes.batch_update import BatchUpdate
from gateway.methods.writes.create import Create
from gateway.methods.writes.delete import Delete
from gateway.methods.writes.delete_by_filter import DeleteByFilter
from gateway.methods.writes.undelete import Undelete
from gateway.methods.writes.update import Update
from gateway.methods.writes.update_by_filter import UpdateByFilter
from gateway.policy.columns import has_limits, without_presets
from gateway.request.validation import rules_of
from gateway.schema.model import Method, MethodKind, StandardMethod, TransactionKind, TransactionMethod
from gateway.schema.sql_method import SqlMethod

HANDLERS: Mapping[MethodKind, Callable[[StandardMethod, Engine], AnyHandler]] = {
    MethodKind.GET: Get,
    MethodKind.LIST: List,
    MethodKind.BATCH_GET: BatchGet,
    MethodKind.COUNT: Count,
    MethodKind.CREATE: Create,
    MethodKind.UPDATE: Update,
    MethodKind.DELETE: Delete,
    MethodKind.UNDELETE: Undelete,
    MethodKind.BATCH_CREATE: BatchCreate,
    MethodKind.BATCH_UPDATE: BatchUpdate,
    MethodKind.BATCH_DELETE: BatchDelete,
    MethodKind.BULK_UPSERT: BulkUpsert,
    MethodKind.STREAM: Stream,
    MethodKind.INGEST: Ingest,
    MethodKind.AGGREGATE: Aggregate,
    MethodKind.EXISTS: Exists,
    MethodKind.UPDATE_BY_FILTER: UpdateByFilter,
    MethodKind.DELETE_BY_FILTER: DeleteByFilter,
    MethodKind.SEARCH: Search,
}
"""The handler of each standard method, made once per method when the server starts."""

_TRANSACTIONS = {TransactionKind.TRANSACT: Transact, TransactionKind.SESSION: Session}
OTHER_HANDLERS: Mapping[type[Method], Callable[[Any, Engine], AnyHandler | TransactionHandler]] = {
    SqlMethod: query_handler,
    TransactionMethod: lambda method, engine: _TRANSACTIONS[method.kind](method, engine, handler_of),
}
"""The handler of each kind of method that isn't of one resource."""


def handler_of(method: Method, engine: Engine) -> AnyHandler | TransactionHandler:
    """Return the handler of a method: its author's where there is one, else the gateway's own."""
    authored: Callable[..., AnyHandler | TransactionHandler] | None = engine.authored.get(method.full_name)
    return (authored or own_handler_of)(method, engine)


def own_handler_of(method: Method, engine: Engine) -> AnyHandler | TransactionHandler:
    """Return the gateway's own handler of a method, one of HANDLERS or OTHER_HANDLERS."""
    if isinstance(method, StandardMethod):
        return _of_resource(method, engine)
    return OTHER_HANDLERS[type(method)](method, engine)


def _of_resource(method: StandardMethod, engine: Engine) -> AnyHandler:
    """Return what gives each caller its columns and rows what is preset, and holds these to their rules."""
    make = HANDLERS[method.kind]
    rules = rules_of(method.descriptor.input_type)
    if rules is not None:
        make = partial(Validated, make=make, rules=rules)
    if not engine.identified:
        return make(without_presets(method), engine)
    resources = (method.resource, *method.related.values())
    if method.kind in SENDING and any(engine.presets_of(one) is not None for one in resources):
        make = partial(WithPresets, make=make, presets=engine.presets)
    if any(map(has_limits, resources)):
        return ByColumns(method, engine, make)
    return make(method, engine)


__all__ = [
    "HANDLERS",
    "OTHER_HANDLERS",
    "AnyHandler",
    "BidiHandler",
    "Engine",
    "Handler",
    "Piece",
    "RequestsHandler",
    "Response",
    "StepAdmission",
    "StreamHandler",
    "TransactionHandler",
    "WrittenResponse",
    "handler_of",
    "own_handler_of",
]
