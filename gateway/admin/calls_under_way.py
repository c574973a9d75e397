"""The calls under way, and what each waits for: read from their coroutines when somebody asks.

So it costs a call nothing. A coroutine knows what it awaits, down to the innermost: the names of the
functions on this way tell what for. Of their variables only names of statements are read.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from gc import get_referents
from time import monotonic
from types import AsyncGeneratorType, CoroutineType, FrameType
from typing import TYPE_CHECKING, Any

from gateway.observe.call_record import CallUnderWay
from gateway.transport.exchange import Exchange
from gateway.transport.limits.admission import Arrival

if TYPE_CHECKING:
    import asyncio

MOST = 1000
"""Calls that are told of, the oldest first."""
_DEEPEST = 100
_WRAPPERS = frozenset({"coroutine_wrapper", "async_generator_asend"})


def calls_under_way(arrivals: Iterable[Arrival]) -> Sequence[CallUnderWay]:
    """Return the oldest calls."""
    now = monotonic()
    exchanges = [one for one in arrivals if isinstance(one, Exchange)]
    return [_told(one, now) for one in sorted(exchanges, key=lambda one: one.arrived)[:MOST]]


def _told(exchange: Exchange, now: float) -> CallUnderWay:
    record = exchange.record
    return CallUnderWay(
        record.method,
        record.principal,
        round(now - exchange.arrived, 3),
        waits_for(exchange.task),
        record.request_id,
        record.trace_id,
        record.peer,
    )


def waits_for(task: "asyncio.Task[Any] | None") -> str:
    """Return what a call's task waits for, as the innermost function tells that is known."""
    words = _TURN
    for frame in _frames(None if task is None else task.get_coro()):
        tell = PLACES.get(frame.f_code.co_qualname)
        if tell is not None:
            words = tell(frame.f_locals)
    return words


def _frames(awaited: Any) -> "Iterator[FrameType]":
    """Yield the frame of a coroutine or asynchronous generator, of what it awaits, and so on."""
    for _ in range(_DEEPEST):
        if isinstance(awaited, CoroutineType):
            frame, awaited = awaited.cr_frame, awaited.cr_await
        elif isinstance(awaited, AsyncGeneratorType):
            frame, awaited = awaited.ag_frame, awaited.ag_await
        elif (wrapped := _wrapped(awaited)) is not None:
            frame, awaited = None, wrapped
        else:
            return
        if frame is not None:
            yield frame


def _wrapped(awaited: Any) -> Any:
    """Return what a coroutine of Cython's awaits, as grpc.aio's are, or what a wrapper stands for.

    Those that `__await__` and `__anext__` return don't tell; the garbage collector does.
    """
    if awaited is None or hasattr(awaited, "cr_await"):
        return getattr(awaited, "cr_await", None)
    held = get_referents(awaited) if type(awaited).__name__ in _WRAPPERS else ()
    return next((one for one in held if isinstance(one, (CoroutineType, AsyncGeneratorType))), None)


def _statement(variables: Mapping[str, Any]) -> str:
    return f"statement: {variables.get('name', '')}"


def _streamed(variables: Mapping[str, Any]) -> str:
    return f"statement: {variables['self'].statement.name}"


def _shared(variables: Mapping[str, Any]) -> str:
    kind = variables["queue"].kind.name
    return f"shared statement: {kind}" if variables["place"].sent else f"next shared statement: {kind}"


_TURN, _REQUEST, _CLIENT = "its turn", "its request", "its client"
OF_CLIENT = (_REQUEST, _CLIENT)
"""What is waited for that is its client's to do."""
PLACES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "Authorization.identify": lambda _: "its caller's credential",
    "Processor.wait": lambda _: "the processor",
    "Exchange.receive": lambda _: _REQUEST,
    "_requests": lambda _: _REQUEST,
    "PointReads.fetch": lambda variables: _shared(variables) if variables.get("shared") else _TURN,
    "RowWrites._shared": _shared,
    "ConnectionLimiter._wait": lambda _: "a connection",
    "Pool._add": lambda _: "a new connection",
    "StatementWatch.over": _statement,
    "Cursor.bind": _streamed,
    "Cursor.slices": _streamed,
    "LoopClock.sleep": lambda _: "another attempt",
    "_commit": lambda _: "COMMIT",
    "_send": lambda _: _CLIENT,
}
"""What a call waits for, by the function that it waits in."""
