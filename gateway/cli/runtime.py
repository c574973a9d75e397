"""Python's own part of a server's process: the event loop, and the garbage collector."""

import asyncio
import gc
from collections.abc import Callable


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """Return uvloop's, where it is installed: it is measurably faster."""
    try:
        from uvloop import new_event_loop  # noqa: PLC0415 - it is not there on every platform
    except ImportError:
        return asyncio.new_event_loop
    return new_event_loop


def leave_all_to_the_end() -> None:
    """Keep the garbage collector off everything when the process is about to end, and its memory with it."""
    gc.freeze()


def spare_what_stays(transport: str) -> None:
    """Keep the garbage collector off what lives as long as the server, and let it look less often.

    A bulk call makes some hundred thousand objects, and none of them is garbage before its end. But what
    grpc.aio makes of a call goes by the collector alone, and those of 600 calls hold the loop for 50 ms.
    """
    gc.collect()
    gc.freeze()
    # In both the older generations are looked at every 400,000 and every 8 million objects.
    young = 2_000 if transport == "grpcio" else 20_000
    gc.set_threshold(young, 400_000 // young, 20)
