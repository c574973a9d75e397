"""Streams of requests as lines of JSON (`application/x-ndjson`)."""

from collections.abc import Callable

from gateway.transport.wire.framing import BadFrame, MessageCutter

_LINE_END = b"\n"


class Lines(MessageCutter):
    """Cuts bytes into lines. Empty ones are passed over."""

    _searched = 0

    def clear(self) -> None:
        """Forget what has arrived."""
        super().clear()
        self._searched = 0

    def feed(self, data: bytes) -> None:
        """Take bytes as they arrived; none are the end, where the last line needs no mark of its own."""
        super().feed(data or (_LINE_END if self._buffer else b""))

    async def next(self, _growing: Callable[[int], object]) -> bytes | None:
        """Return the next line, None where it hasn't arrived; raises BadFrame for one that is too long."""
        while (end := self._buffer.find(_LINE_END, self._searched)) >= 0:
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
            self._searched = 0
            if line.strip():
                return self._checked(line)
        self._searched = len(self._buffer)
        self._check(self._searched)
        return None

    def _checked(self, line: bytes) -> bytes:
        self._check(len(line))
        return line

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise BadFrame(f"a line is longer than the limit of {self._told} bytes", limit=self._told)
