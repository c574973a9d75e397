"""The caller's deadline around everything that is done for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.errors import DeadlineExceeded


@asynccontextmanager
async def within(deadline: float | None) -> AsyncIterator[None]:
    """Cancel what runs inside when the deadline comes; raises DeadlineExceeded then.

    Args:
        deadline: on the event loop's clock; None for no bound.

    """
    try:
        async with asyncio.timeout_at(deadline) as scope:
            yield
    except TimeoutError as error:
        if not scope.expired():
            raise
        raise DeadlineExceeded("the call's time is up", reason="DEADLINE_EXCEEDED") from error
