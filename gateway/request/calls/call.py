"""One RPC beside its message: deadline, caller, connection."""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import time_ns
from typing import TYPE_CHECKING, Any

from gateway.auth.principal import ANONYMOUS, Principal
from gateway.observe.call_record import CallRecord
from gateway.request.calls.bulkheads import UNKNOWN, Operation
from gateway.request.calls.explanation import Explanation
from gateway.request.calls.log_position import LogPosition
from gateway.request.calls.memory import SMALL, ResponseMemory
from gateway.request.calls.stream_delivery import Delivery
from gateway.schema.protojson.form import JsonForm
from gateway.schema.types.times import EPOCH_SECONDS, MICROS

if TYPE_CHECKING:
    from asyncio import Future

METADATA: ContextVar[Callable[[], tuple[tuple[str, str | bytes], ...]]] = ContextVar(
    "rowgate_metadata", default=tuple
)
"""Reads the metadata of the call that this task answers, for handlers of authors: others don't ask."""


@dataclass(slots=True, eq=False)  # not frozen: that is four times as dear to make, and every call makes one
class Call:
    """One RPC under way. Told apart by identity.

    Args:
        method: `package.Service.Method`.
        principal: who calls; request ids, Ingest streams and shared statements are kept apart by it.
        deadline: when the caller's time is up, on the event loop's clock (`loop.time()`); None where it
            set none and the server adds none.
        operation: what it does, and to which table.
        caller: whose turn it takes: the principal's name, or else the peer's address; empty where that
            speaks for several.
        size: bytes of its request; 0 where that says nothing of what it asks for.
        unsettled: whether it may have written what its caller hasn't been answered: a write was sent, and
            isn't known to be undone.
        memory: counts what is held of responses; None where nobody bounds it.
        held: bytes that are counted of its own.
        spans: its trace's, or those of all calls that share its statement; none unless they are sampled.
        record: what is logged of it; None of one that nobody logs.
        sharing: the calls that share its statement, in their order; empty where it stands for itself.
        json: how its response is written, if that is JSON; its handler may write it, or return a message.
        explanation: of its statements, where it asks for one and may.
        moment: its own time, in microseconds since 2000, once that was asked for: see `time`.
        reads_at: the position of the log that a replica has to have which it reads; None of one that reads
            the primary.
        must_hold: the position of a write that whatever is read has to have; None where no token was sent.
        current_since: when the primary may have had last what it reads, by `time.monotonic`; None where that
            isn't asked for.
        left: what ends when nothing runs on any more that was sent for it, and that it has left.
        written: where the log stood after its last COMMIT, where writes tell that.

    """

    method: str
    principal: Principal = ANONYMOUS
    deadline: float | None = None
    operation: Operation = UNKNOWN
    caller: str = ""
    size: int = 0
    unsettled: bool = False
    memory: ResponseMemory | None = None
    held: int = 0
    json: JsonForm | None = None
    spans: tuple[Any, ...] = ()
    record: CallRecord | None = None
    sharing: "tuple[Call, ...]" = ()
    explanation: Explanation | None = None
    moment: int | None = None
    reads_at: LogPosition | None = None
    must_hold: LogPosition | None = None
    current_since: float | None = None
    left: "Future[Any] | None" = None
    written: LogPosition | None = None

    def time(self) -> int:
        """Return the request's own time: when it is first asked for, or when its first page was."""
        if self.moment is None:
            self.moment = time_ns() // 1000 - EPOCH_SECONDS * MICROS
        return self.moment

    def hold(self, size: int, *, anyway: bool = False) -> None:
        """Hold so many bytes of its response from now on; raises ResourceExhausted, unless `anyway`."""
        counted = size if size > SMALL else 0
        if self.memory is not None and counted != self.held:
            change = self.memory.count if anyway else self.memory.change
            change(self.caller, counted - self.held)
            self.held = counted


@dataclass(slots=True, eq=False)
class StreamCall(Call):
    """One whose responses are a stream.

    Args:
        delivery: of the responses.

    """

    delivery: Delivery = field(default_factory=Delivery)
