import asyncio
from typing import Any

import pytest

from gateway.request.memory import RequestMemory
from gateway.transport.asgi.stream import Event, HttpStream, hand_over
from gateway.transport.asgi.watch import ResetWatch
from gateway.transport.wire.framing import Unframer, frame


class Pieces:
    """A host that hands over what the test says, when it says so."""

    def __init__(self) -> None:
        self.awaited: list[asyncio.Future[Event]] = []

    def receive(self) -> Any:
        """Return a future of the next piece."""
        self.awaited.append(asyncio.get_running_loop().create_future())
        return self.awaited[-1]

    def give(self, body: bytes, *, more: bool = True) -> None:
        """Hand over a piece."""
        self.awaited[-1].set_result({"type": "http.request", "body": body, "more_body": more})


async def _unsent(_event: Event) -> None:
    raise AssertionError("nothing is to be sent")


async def _two(stream: HttpStream) -> list[bytes | None]:
    return [await stream.message(), await stream.message()]


async def test_a_piece_that_was_read_before_its_word_came_wakes_nobody() -> None:
    host, resets = Pieces(), list[None]()
    unframer = Unframer(None, 100)
    stream = HttpStream(
        host.receive,
        _unsent,
        unframer,
        on_reset=lambda: resets.append(None),
        watch=ResetWatch(),
        held=RequestMemory(10**9).call(""),
    )
    stream.listen()
    reader = asyncio.ensure_future(_two(stream))
    host.give(frame(b"first"))  # the reader runs before the word of it
    for _ in range(3):
        await asyncio.sleep(0)
    assert not reader.done()
    host.give(frame(b"second"), more=False)
    assert await reader == [b"first", b"second"]
    stream.close()
    assert resets == []


async def test_a_cancelled_call_leaves_the_host_its_future() -> None:
    taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    sending = asyncio.ensure_future(hand_over(lambda _event: taken, {}))
    await asyncio.sleep(0)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    taken.set_exception(ConnectionError)  # the host settles it all the same; nobody has to ask for it
    await asyncio.sleep(0)
