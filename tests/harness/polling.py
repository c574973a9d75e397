"""Looks at a database, or another process, until it is in some state: nothing there would wake who waits."""

import asyncio

_SECONDS = 0.005


async def next_poll() -> None:
    """Pause between two looks.

    What is waited for is the state, however many looks it takes. The pause leaves the processor to those who
    bring it about, from whom looks without one would take it.
    """
    await asyncio.sleep(_SECONDS)
