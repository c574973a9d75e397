"""The calls under way, and what each waits for: read from their coroutines when somebody asks.

So it costs a call nothing. A coroutine knows what it awaits, down to the innermost: the names of the
functions on this way tell what for. Of their variables only names of statements are read.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from time import monotonic
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from gateway.observe.call_record import CallUnderWay
from gateway.transport.admission import Arrival
from gateway.transport.exchange import Exchange

if TYPE_CHECKING:
    import asyncio

MOST = 1000
"""Calls that are told of, the oldest first."""
_DEEPEST = 100


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
    words = "its turn"
    for coroutine in _awaited(None if task is None else task.get_coro()):
        tell = PLACES.get(coroutine.cr_code.co_qualname)
        if tell is not None and coroutine.cr_frame is not None:
            words = tell(coroutine.cr_frame.f_locals)
    return words


def _awaited(awaited: Any) -> "Iterator[CoroutineType[Any, Any, Any]]":
    """Yield a coroutine, what it awaits, and so on."""
    for _ in range(_DEEPEST):
        if not isinstance(awaited, CoroutineType):
            return
        yield awaited
        awaited = awaited.cr_await


def _statement(variables: Mapping[str, Any]) -> str:
    return f"statement: {variables.get('name', '')}"


def _shared(variables: Mapping[str, Any]) -> str:
    kind = variables["queue"].kind.name
    return f"shared statement: {kind}" if variables["place"].sent else f"next shared statement: {kind}"


PLACES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "Authorization.wait": lambda _: "its caller's credential",
    "Processor.wait": lambda _: "the processor",
    "Exchange.receive": lambda _: "its request",
    "Batcher._shared": _shared,
    "ConnectionLimiter._wait": lambda _: "a connection",
    "Pool._add": lambda _: "a new connection",
    "StatementWatch.over": _statement,
    "LoopClock.sleep": lambda _: "another attempt",
    "_commit": lambda _: "COMMIT",
    "_send": lambda _: "its client",
}
"""What a call waits for, by the function that it waits in."""
