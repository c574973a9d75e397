"""Tasks that can be held up: what they wait for is there, but they hear of it later."""

import asyncio
import types
from collections.abc import Coroutine, Generator
from typing import Any

SECONDS = 0.02
_late: set["asyncio.Task[Any]"] = set()


def hold_up() -> None:
    """Let the task that runs go on late after its next await that has to wait."""
    task = asyncio.current_task()
    if task is not None:
        _late.add(task)


def make_task(
    loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], **options: Any
) -> "asyncio.Task[Any]":
    """Make a task that can be held up: an event loop's task factory."""
    return asyncio.Task(_run(coroutine), loop=loop, **options)


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
    try:
        given = yield waits
        task = asyncio.current_task()
        if task in _late:
            _late.discard(task)
            yield from asyncio.sleep(SECONDS).__await__()
    except GeneratorExit:
        coroutine.close()
        raise
    except BaseException as error:  # noqa: BLE001 - it is the coroutine's
        return coroutine.throw, error
    return coroutine.send, given
