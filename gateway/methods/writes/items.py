"""The frame of a write: one item, or a batch of them, is read, carried out, and blamed for a refusal."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import code_pb2

from gateway.db.coalesce import RequestedWrite
from gateway.db.database import Row
from gateway.db.dry_run import dry_run
from gateway.errors import FieldViolation, InvalidArgument, RowgateError
from gateway.methods.engine import Engine
from gateway.methods.error_mapping import with_details
from gateway.methods.event_loop_turns import each_in_turns
from gateway.methods.idempotent import Session, Writes
from gateway.request.calls.call import Call
from gateway.request.keys import below
from gateway.schema.model import StandardMethod

T = TypeVar("T")

MAX_BATCH = 1000
"""The most items of one batch (AIP-231, 233 to 235)."""

_REFUSALS = frozenset(
    {
        code_pb2.INVALID_ARGUMENT,
        code_pb2.ALREADY_EXISTS,
        code_pb2.FAILED_PRECONDITION,
        code_pb2.OUT_OF_RANGE,
    }
)
_OF_SEVERAL = _REFUSALS | {code_pb2.PERMISSION_DENIED}
"""Of an item that writes several rows: the rules of their tables refuse one of these, without its place."""


Singly = Callable[[Session], Awaitable[None]]
"""Writes rows one by one, to say which of them is refused; raises that with its fields' paths."""


class Worker(Protocol[T]):
    """What a write method does with its items."""

    def read(self, request: Message, place: str) -> T:
        """Return the item that a single method's request asks for; `place` is its proto path in a batch."""

    def is_alone(self, item: T) -> bool:
        """Whether one statement does the item."""

    def requested_write(self, request: Message) -> RequestedWrite | None:
        """Return a single method's request as one statement that returns a row where all is well.

        None where there is none. Raises InvalidArgument as `read` does.
        """

    def answer(self, row: Row) -> Message:
        """Return the message of the row that such a statement returned, to be sent as it is."""

    async def write(self, session: Session, items: Sequence[T]) -> list[Message]:
        """Carry out the items together; return their messages in order."""

    def singly(self, item: T) -> "Singly | None":
        """Return what carries out an item that writes several rows, one by one; None where it is one row."""

    def map_error(self, error: RowgateError, item: T) -> RowgateError:
        """Return the database's refusal of an item in terms of the request."""


class One:
    """A method of one item."""

    def __init__(self, method: StandardMethod, engine: Engine, worker: Worker[Any]) -> None:
        self._worker = worker
        self._writes = Writes(method, engine)
        self._database = engine.database
        self._shared = engine.writes

    async def __call__(self, request: Message, call: Call) -> Message:
        """Carry out the request.

        Where one statement does it, that is shared with other callers. What it leaves undone is done, or
        refused with the reason, by the worker alone.
        """
        requested_write = self._worker.requested_write(request) if self._writes.is_plain(request) else None
        if requested_write is None:
            return await self._exactly(request, call)
        try:
            exactly = partial(self._exactly, request, call)
            return await self._shared.write(requested_write, call, self._worker.answer, exactly)
        except RowgateError as error:
            raise self._worker.map_error(error, self._worker.read(request, "")) from error.__cause__

    async def _exactly(self, request: Message, call: Call) -> Message:
        worker = self._worker
        item = worker.read(request, "")

        async def work(session: Session) -> Message:
            return (await worker.write(session, [item]))[0]

        try:
            if self._writes.is_plain(request) and worker.is_alone(item):
                return await work(self._writes.alone(call))
            return await self._writes.atomically(request, call, work)
        except RowgateError as error:
            singly = worker.singly(item)
            if singly is not None:
                raise await self._placed(error, singly, call) from error.__cause__
            raise worker.map_error(error, item) from error.__cause__

    async def _placed(self, error: RowgateError, singly: Singly, call: Call) -> RowgateError:
        """Return the refusal of a row among several with the paths of its fields."""
        if error.violations or error.code not in _OF_SEVERAL:
            return error
        try:
            await dry_run(self._database, singly, call)
        except RowgateError as found:
            return found if found.reason == error.reason else error
        return error


class Batch:
    """A method of many items, all or none of which are carried out (AIP-233 to 235)."""

    def __init__(self, method: StandardMethod, engine: Engine, worker: Worker[Any]) -> None:
        self._worker = worker
        self._writes = Writes(method, engine)
        self._database = engine.database
        self._answer = GetMessageClass(method.descriptor.output_type)
        self._rows = method.response["rows"].name if "rows" in method.response else None
        self._method = method
        self._item_roles = method.item.request if method.item is not None else {}
        self._name = method.request["requests" if "requests" in method.request else "keys"].name

    async def __call__(self, request: Message, call: Call) -> Message:
        """Carry out the batch."""
        items = await self._read(request)

        async def work(session: Session) -> Message:
            return await self._answered(await self._worker.write(session, items) if items else [])

        try:
            return await self._writes.atomically(request, call, work)
        except RowgateError as error:
            several = any(self._worker.singly(item) is not None for item in items)
            if error.code in (_OF_SEVERAL if several else _REFUSALS) and not error.violations:
                raise await self._first_refused(error, items, call) from error.__cause__
            raise

    async def _read(self, request: Message) -> list[Any]:
        name = self._name
        requests = check_size(getattr(request, name), name)
        for i, item in enumerate(requests):
            _check_hoisted(item, self._item_roles, f"{name}[{i}]")
        return await each_in_turns(
            lambda numbered: self._worker.read(numbered[1], f"{name}[{numbered[0]}]"), enumerate(requests)
        )

    async def _answered(self, messages: Sequence[Message]) -> Message:
        answer = self._answer()
        if self._rows is not None:
            await each_in_turns(getattr(answer, self._rows).append, messages)
        return answer

    async def _first_refused(self, error: RowgateError, items: Sequence[Any], call: Call) -> RowgateError:
        """Return the refusal of the item to blame: the first that the database refuses on its own."""
        at = 0

        async def one_by_one(session: Session) -> None:
            nonlocal at
            for at, item in enumerate(items):  # noqa: B007 - where it stops is what is asked
                singly = self._worker.singly(item)
                await (self._worker.write(session, [item]) if singly is None else singly(session))

        try:
            await dry_run(self._database, one_by_one, call)
        except RowgateError as found:
            if found.reason == error.reason:
                place = f"{self._name}[{at}]"
                mapped = found if found.violations else self._worker.map_error(found, items[at])
                return _placed(mapped, place)
        return error


def _placed(error: RowgateError, place: str) -> RowgateError:
    """Return the error with at least the item's place, where the database names no column."""
    if error.violations:
        return error
    return with_details(error, violations=[FieldViolation(place, error.message, error.reason)])


def flag(request: Message, roles: Mapping[str, FieldDescriptor], name: str) -> bool:
    """Return a boolean field of the request; False where it has none of the name."""
    return name in roles and bool(getattr(request, name))


def check_size(items: Sequence[Any], name: str) -> Sequence[Any]:
    """Return the items; raises InvalidArgument (reason BATCH_TOO_LARGE) where they are too many."""
    if len(items) <= MAX_BATCH:
        return items
    text = f"has {len(items)} items; at most {MAX_BATCH} are allowed"
    raise InvalidArgument(
        f"{name}: {text}",
        reason="BATCH_TOO_LARGE",
        metadata={"limit": str(MAX_BATCH)},
        violations=[FieldViolation(name, text, "BATCH_TOO_LARGE")],
    )


def _check_hoisted(item: Any, roles: Mapping[str, FieldDescriptor], place: str) -> None:
    for name in ("request_id", "validate_only"):
        if name in roles and getattr(item, name):
            raise InvalidArgument.field(
                below(place, name), "is the batch's own: set it beside the requests", reason="NOT_IN_BATCH"
            )
