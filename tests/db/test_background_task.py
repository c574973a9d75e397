"""Work beside the calls: it ends when it is stopped, however often and by whomever."""

import asyncio

import pytest

from gateway.background_task import BackgroundTask


class Work:
    """Work that waits for its end, and may take its time to end."""

    def __init__(self) -> None:
        self.begun, self.asked, self.leave = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.ended = False

    async def run(self) -> None:
        """Go on until it is cancelled, and may leave."""
        self.begun.set()
        try:
            await asyncio.Future()
        finally:
            self.asked.set()
            await self.leave.wait()
            self.ended = True


async def test_it_may_be_stopped_before_it_starts_and_twice() -> None:
    task, work = BackgroundTask("work"), Work()
    await task.stop()
    task.start(work.run())
    await work.begun.wait()
    work.leave.set()
    await asyncio.gather(task.stop(), task.stop())
    await task.stop()
    assert work.ended


async def test_who_stops_it_may_be_cancelled_and_knows() -> None:
    task, work = BackgroundTask("work"), Work()
    task.start(work.run())
    await work.begun.wait()
    stopping = asyncio.create_task(task.stop())
    await work.asked.wait()
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    assert not work.ended
    work.leave.set()


async def test_work_that_failed_is_told_and_keeps_nothing_else_from_closing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failed = asyncio.Event()

    async def fail() -> None:
        failed.set()
        raise OSError("no room")

    task = BackgroundTask("work")
    task.start(fail())
    await failed.wait()
    await task.stop()
    assert caplog.messages == ["work had failed"]
    assert "no room" in caplog.text
