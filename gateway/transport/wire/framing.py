"""Length-prefixed messages: one byte of flags, four of length, then the message (grpc.io, PROTOCOL-HTTP2)."""

import asyncio
import gzip
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from io import BytesIO
from struct import Struct

PREFIX = 5
PIECE = 256 * 1024
"""Bytes that are unpacked at once, in less than a millisecond."""
_PACKED_PIECE = 64 * 1024
_COMPRESSED = 1
_read_prefix = Struct(">BI").unpack_from


class BadFrame(ValueError):  # noqa: N818 - becomes the call's status
    """Bytes that are no message of this call.

    Args:
        message: what is wrong.
        limit: the most bytes of a message, where this one has more.

    """

    def __init__(self, message: str, *, limit: int | None = None) -> None:
        super().__init__(message)
        self.limit = limit


class UnnamedEncoding(BadFrame):
    """A compressed message of a call that names no compression."""


def frame(message: bytes, encoding: str | None = None) -> bytes:
    """Return the message with its prefix, compressed where an encoding is given."""
    if encoding is None:
        return prefix(len(message)) + message
    packed = pack(message, encoding)
    return prefix(len(packed), b"\x01") + packed


def pack(message: bytes, encoding: str) -> bytes:
    """Return the message compressed."""
    return _PACK[encoding](message)


def prefix(size: int, flag: bytes = b"\x00") -> bytes:
    """Return what stands before a message of so many bytes; the flag tells of compression."""
    return flag + size.to_bytes(4, "big")


def whole_message(body: bytes, limit: int) -> bytes | None:
    """Return the message that the bytes are, where they are one, uncompressed and within the limit."""
    size = len(body) - PREFIX
    if 0 <= size <= limit and _read_prefix(body) == (0, size):
        return body[PREFIX:]
    return None


def _unheeded(_size: int) -> None:
    """Heed no size."""


class MessageCutter(ABC):
    """Cuts a body into messages, as its bytes arrive.

    Args:
        limit: the most bytes of one message.
        told: what is told as the limit, where more is taken in.

    """

    def __init__(self, limit: int, told: int | None = None) -> None:
        self._limit = limit
        self._told = limit if told is None else told
        self._buffer = bytearray()

    @property
    def size(self) -> int:
        """Bytes that have arrived and are no message yet."""
        return len(self._buffer)

    @property
    def holds_part(self) -> bool:
        """Whether a message has begun and not ended."""
        return bool(self._buffer)

    def clear(self) -> None:
        """Forget what has arrived."""
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Take bytes as they arrived; none are the end."""
        self._buffer += data

    @abstractmethod
    async def next(self, growing: Callable[[int], object]) -> bytes | None:
        """Return the next whole message, None where it hasn't arrived; raises BadFrame.

        Args:
            growing: told how many bytes a message has that is being unpacked, again and again; raises where
                those are too many.

        """


class _BegunMessage:
    """A message whose bytes are still coming. They stay where they are put: to copy 64 MiB takes 80 ms.

    Args:
        flags: of its prefix.
        size: bytes that it will have.

    """

    def __init__(self, flags: int, size: int) -> None:
        self.flags = flags
        self.missing = size
        self._bytes = BytesIO()

    @property
    def size(self) -> int:
        """Bytes of it that are here."""
        return self._bytes.tell()

    def take(self, data: bytes | bytearray) -> None:
        """Take the next bytes of it, and none beyond."""
        self.missing -= self._bytes.write(data)

    def whole(self) -> bytes:
        """Return all of it."""
        return self._bytes.getvalue()


class Unframer(MessageCutter):
    """Cuts bytes into messages, each of which has its length before it.

    Args:
        encoding: what compressed messages are compressed with; None where none may be.
        limit: the most bytes of one message, before and after decompression.
        told: what is told as the limit, where more is taken in.

    """

    def __init__(self, encoding: str | None, limit: int, told: int | None = None) -> None:
        super().__init__(limit, told)
        self._encoding = encoding
        self._begun: _BegunMessage | None = None

    @property
    def size(self) -> int:
        """Bytes that have arrived and are no message yet."""
        return super().size + (self._begun.size if self._begun else 0)

    @property
    def holds_part(self) -> bool:
        """Whether a message has begun and not ended."""
        return self._begun is not None or super().holds_part

    def clear(self) -> None:
        """Forget what has arrived."""
        super().clear()
        self._begun = None

    def feed(self, data: bytes) -> None:
        """Take bytes as they arrived; none are the end."""
        begun = self._begun
        if begun is None:
            super().feed(data)
        elif len(data) <= begun.missing:
            begun.take(data)
        else:
            end = begun.missing
            begun.take(data[:end])
            super().feed(data[end:])

    async def next(self, growing: Callable[[int], object] = _unheeded) -> bytes | None:
        """Return the next whole message, unpacked."""
        found = self._cut() if self._begun is None else self._ended(self._begun)
        if found is None:
            return None
        flags, message = found
        return await self._unpacked(message, growing) if flags else message

    def _ended(self, begun: _BegunMessage) -> tuple[int, bytes] | None:
        """Return the flags and bytes of the message that was awaited, once it is whole."""
        if begun.missing:
            return None
        self._begun = None
        return begun.flags, begun.whole()

    def _cut(self) -> tuple[int, bytes] | None:
        """Return the flags and bytes of the next message; raises BadFrame."""
        buffer = self._buffer
        if len(buffer) < PREFIX:
            return None
        flags, size = buffer[0], int.from_bytes(buffer[1:PREFIX], "big")
        if flags > _COMPRESSED:
            raise BadFrame(f"a message with flags that mean nothing: {flags}")
        if size > self._limit:
            raise _too_large(self._told)
        if len(buffer) < PREFIX + size:
            self._begun = _BegunMessage(flags, size)
            self._begun.take(buffer[PREFIX:])
            super().clear()
            return None
        with memoryview(buffer) as view:
            message = bytes(view[PREFIX : PREFIX + size])
        del buffer[: PREFIX + size]
        return flags, message

    async def _unpacked(self, message: bytes, growing: Callable[[int], object]) -> bytes:
        """Return what a message was packed of; others get their turn between pieces of it."""
        if self._encoding is None:
            raise UnnamedEncoding("a compressed message, but nothing says by what")

        def grown(size: int) -> None:
            if size > self._limit:
                raise _too_large(self._told)
            growing(max(size, len(message)))

        try:
            return await unpacked(message, self._encoding, grown)
        except zlib.error as error:
            raise BadFrame("a message that can't be decompressed") from error


async def unpacked(message: bytes, encoding: str, grown: Callable[[int], object]) -> bytes:
    """Return what a message was packed of; others get their turn between pieces of it.

    Raises BadFrame, zlib.error, and what `grown` does: it is told after each piece how many bytes there are.
    """
    whole = BytesIO()  # unlike a bytearray, it gives its bytes away without a copy
    for piece in _unpacked_pieces(message, encoding):
        whole.write(piece)
        grown(whole.tell())
        if len(piece) == PIECE:
            await asyncio.sleep(0)
    return whole.getvalue()


def _unpacked_pieces(message: bytes, encoding: str) -> Iterator[bytes]:
    """Yield what a message was packed of in pieces of at most PIECE; raises BadFrame, and zlib.error."""
    unpacker = zlib.decompressobj(_WINDOW_BITS[encoding])
    for start in range(0, len(message), _PACKED_PIECE):
        rest = message[start : start + _PACKED_PIECE]
        while rest:
            if unpacker.eof:
                # Left out, it would be missing without a word: a second member of gzip holds content too.
                raise BadFrame("a compressed message with more behind its end")
            yield unpacker.decompress(rest, PIECE)
            rest = unpacker.unconsumed_tail or unpacker.unused_data
    # What is whole in the unpacker's buffer comes with no more bytes.
    while not unpacker.eof and (piece := unpacker.decompress(b"", PIECE)):
        yield piece
    if not unpacker.eof:
        raise BadFrame("a compressed message that ends early")


def _too_large(limit: int) -> BadFrame:
    return BadFrame(f"a message is larger than the limit of {limit} bytes", limit=limit)


_PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda message: gzip.compress(message, compresslevel=1, mtime=0),
    "deflate": lambda message: zlib.compress(message, level=1),
}
_WINDOW_BITS = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
ENCODINGS = tuple(_PACK)
"""The compressions that are spoken beside identity."""
