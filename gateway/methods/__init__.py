"""One file per standard method. Each reads, top to bottom, as the way of a request; none holds SQL."""

from collections.abc import Awaitable, Callable, Mapping

from google.protobuf.message import Message

from gateway.methods.batch_create import BatchCreate
from gateway.methods.batch_delete import BatchDelete
from gateway.methods.batch_get import BatchGet
from gateway.methods.batch_update import BatchUpdate
from gateway.methods.bulk_upsert import BulkUpsert
from gateway.methods.count import Count
from gateway.methods.create import Create
from gateway.methods.delete import Delete
from gateway.methods.engine import Engine
from gateway.methods.get import Get
from gateway.methods.list_rows import List
from gateway.methods.undelete import Undelete
from gateway.methods.update import Update
from gateway.request.call import Call
from gateway.schema.model import Method, MethodKind

Handler = Callable[[Message, Call], Awaitable[Message]]
"""Answers one RPC; raises gateway.errors.RowgateError."""

HANDLERS: Mapping[MethodKind, Callable[[Method, Engine], Handler]] = {
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
}
"""The handler of each standard method, made once per method when the server starts."""

__all__ = ["HANDLERS", "Engine", "Handler"]
