"""A daemon thread for work that may never return, such as the reading of a file on a mount that hangs.

The threads of `asyncio.to_thread` are joined when the process ends, which would wait for it.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

_Result = TypeVar("_Result")


def in_daemon_thread(work: Callable[[], _Result], name: str) -> "asyncio.Future[_Result]":
    """Begin work in a thread of its own, which the end of the process doesn't wait for; return its result."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[_Result] = loop.create_future()

    def tell(result: _Result | None, error: Exception | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(result)  # type: ignore[arg-type]  # None is one, where the work returns it
        else:
            done.set_exception(error)

    def run() -> None:
        result, error = None, None
        try:
            result = work()
        except Exception as raised:  # noqa: BLE001 - it is told
            error = raised
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(tell, result, error)

    threading.Thread(target=run, name=name, daemon=True).start()
    return done
