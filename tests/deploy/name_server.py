"""A name server that tells the addresses of one name, which change."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import IPv4Address
from typing import Any

_HEADER = struct.Struct("!6H")
_KIND = struct.Struct("!2H")
_ANSWER = struct.Struct("!3HIH4s")
_RESPONSE, _ADDRESS, _INTERNET, _NAME_OF_QUESTION = 0x8580, 1, 1, 0xC00C


class NameServer(asyncio.DatagramProtocol):
    """Answers each question for addresses (RFC 1035) with those that it has just now, valid for no time."""

    def __init__(self) -> None:
        self.addresses: list[str] = []
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        """Keep what answers are sent by."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer a question; it has one name, and may be followed by what isn't looked at."""
        number, *_ = _HEADER.unpack_from(data)
        end = data.index(b"\0", _HEADER.size) + 1
        kind, _ = _KIND.unpack_from(data, end)
        question = data[_HEADER.size : end + _KIND.size]
        known = self.addresses if kind == _ADDRESS else []
        answers = (
            _ANSWER.pack(_NAME_OF_QUESTION, _ADDRESS, _INTERNET, 0, 4, IPv4Address(address).packed)
            for address in known
        )
        head = _HEADER.pack(number, _RESPONSE, 1, len(known), 0, 0)
        self._transport.sendto(head + question + b"".join(answers), addr)


@asynccontextmanager
async def name_server() -> AsyncIterator[tuple[str, NameServer]]:
    """Run one on a free port; give its address, and itself."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(NameServer, local_addr=("127.0.0.1", 0))
    try:
        yield f"127.0.0.1:{transport.get_extra_info('sockname')[1]}", server
    finally:
        transport.close()
