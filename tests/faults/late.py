"""Tasks whose next await can be made to end late, or to fail."""

import asyncio
import types
from collections.abc import Coroutine, Generator
from types import FrameType
from typing import Any

SECONDS = 0.02
_YIELD = 4
"""Bytes from an await's SEND to the end of its YIELD_VALUE, where its frame waits."""
_late: dict[Any, tuple[FrameType, int]] = {}
_failing: dict[Any, tuple[FrameType, int]] = {}
"""Tasks, with the frame and the place of the await that is meant."""


class Injected(Exception):  # noqa: N818 - no error of anybody's: a test raised it
    """What a test raised."""


def hold_up(frame: FrameType) -> None:
    """Let the await that a frame is about to begin end late, if it has to wait."""
    _late[asyncio.current_task()] = frame, frame.f_lasti


def fail(frame: FrameType) -> None:
    """Let the await that a frame is about to begin fail, if it has to wait."""
    _failing[asyncio.current_task()] = frame, frame.f_lasti


def _is_meant(marked: dict[Any, tuple[FrameType, int]]) -> bool:
    """Whether the task that runs waits in the await that was marked, not in a later one."""
    frame, place = marked.pop(asyncio.current_task(), (None, 0))
    return frame is not None and 0 <= frame.f_lasti - place < _YIELD


def make_task(
    loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], **options: Any
) -> "asyncio.Task[Any]":
    """Make such a task, named by its coroutine: an event loop's task factory."""
    task = asyncio.Task(_run(coroutine), loop=loop, **options)
    task.set_name(getattr(coroutine, "__qualname__", repr(coroutine)))
    return task


async def _run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    return await _driven(coroutine)


@types.coroutine
def _driven(coroutine: Coroutine[Any, Any, Any]) -> Generator[Any, Any, Any]:
    step, given = coroutine.send, None
    while True:
        try:
            waits = step(given)  # type: ignore[arg-type]  # a value for send, an exception for throw
        except StopIteration as end:
            return end.value
        step, given = yield from _come_back(coroutine, waits)


def _come_back(coroutine: Coroutine[Any, Any, Any], waits: Any) -> Generator[Any, Any, Any]:
    """Wait; return how the coroutine goes on, and with what."""
    late, failing = _is_meant(_late), _is_meant(_failing)
    try:
        given = yield waits
        if late:
            yield from asyncio.sleep(SECONDS).__await__()
        if failing:
            return coroutine.throw, Injected()
    except GeneratorExit:
        coroutine.close()
        raise
    except BaseException as error:  # noqa: BLE001 - it is the coroutine's
        return coroutine.throw, error
    return coroutine.send, given
