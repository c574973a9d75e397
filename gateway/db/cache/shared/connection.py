"""A connection to the store, which one task alone uses."""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hiredis import ProtocolError, Reader, ReplyError, pack_command

from gateway.db.cache.shared import scripts
from gateway.db.cache.shared.address import StoreAddress

Command = tuple[bytes | str | int, ...]
_MORE = object()
_READ_BYTES = 1 << 16
CONNECT_SECONDS = 2.0
"""The longest wait for a connection, and for it to be ready."""
_SECTIONS = ("server", "replication", "cluster")


class StoreLost(Exception):  # noqa: N818 - what it says
    """The store doesn't answer, or not what it should. Its text holds no secret."""


LOST = (StoreLost, OSError, TimeoutError, ProtocolError, TypeError, ValueError)
"""What an exchange fails with, the last two where answers aren't what a store's are.

Nothing may be asked on the connection after that: answers may yet come.
"""


class StoreConnection:
    """A connection. Commands go out together, and their answers come in the same order.

    Args:
        reader: of its stream.
        writer: of its stream.

    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server = b""
        """Tells one life of the store from all others."""
        self._reader = reader
        self._writer = writer
        self._replies = Reader(notEnoughData=_MORE)
        self._scripts: Mapping[scripts.Script, bytes] = {}

    @classmethod
    async def open(cls, address: StoreAddress, tls_ca: Path | None) -> "StoreConnection":
        """Connect, and say who we are; raises one of LOST.

        Args:
            address: of the store.
            tls_ca: certificates that the store's may be signed by, in place of the machine's.

        """
        connection = cls(*await _connected(address, tls_ca))
        try:
            await connection._begin(address)
        except BaseException:
            connection.close()
            raise
        return connection

    def close(self) -> None:
        """Close it at once."""
        transport: Any = self._writer.transport
        transport.abort()

    async def exchange(self, commands: Sequence[Command], seconds: float) -> list[Any]:
        """Return the replies to commands; raises one of LOST, also where one is an error.

        Args:
            commands: the commands.
            seconds: how long the store has. Where the event loop is late itself it has longer.

        """
        self.send(*commands)
        replies: list[Any] = []
        try:
            await self._read(replies, len(commands), seconds / 2)
        except TimeoutError:  # what has come meanwhile is read now
            await self._read(replies, len(commands), seconds / 2)
        if self._replies.has_data():
            raise StoreLost("it says more than it was asked")
        for reply in replies:
            if isinstance(reply, ReplyError):
                raise StoreLost(str(reply))
        return replies

    def run(self, script: scripts.Script, keys: Sequence[bytes], *args: bytes | str | int) -> Command:
        """Return the command that runs a script."""
        return ("EVALSHA", self._scripts[script], len(keys), *keys, *args)

    def send(self, *commands: Command) -> None:
        """Send commands, each of which will have a reply."""
        pack: Any = pack_command
        self._writer.write(b"".join([pack(one) for one in commands]))

    async def reply(self) -> Any:
        """Return the next reply, which may be an error; raises one of LOST."""
        while (reply := self._replies.gets()) is _MORE:
            data = await self._reader.read(_READ_BYTES)
            if not data:
                raise StoreLost("it has closed the connection")
            self._replies.feed(data)
        return reply

    async def _read(self, replies: list[Any], number: int, seconds: float) -> None:
        """Read replies until there are so many; those that were read stay where it raises."""
        async with asyncio.timeout(seconds):
            while len(replies) < number:
                replies.append(await self.reply())

    async def _begin(self, address: StoreAddress) -> None:
        if address.password:
            login = (address.user, address.password) if address.user else (address.password,)
            await self.exchange([("AUTH", *login)], CONNECT_SECONDS)
        if address.number:
            await self.exchange([("SELECT", address.number)], CONNECT_SECONDS)
        sections = await self.exchange([("INFO", one) for one in _SECTIONS], CONNECT_SECONDS)
        facts = _facts(b"".join(sections))
        if facts.get(b"role") != b"master":
            raise StoreLost("it is a replica, which may lack changes that were told")
        if facts.get(b"cluster_enabled") == b"1":
            raise StoreLost("it is a cluster: a store has to be one server, with replicas or without")
        self.server = facts.get(b"run_id", b"")
        if not self.server:
            raise StoreLost("it doesn't tell its run_id, by which its lives are told apart")
        load: list[Command] = [("SCRIPT", "LOAD", one.text) for one in scripts.ALL]
        loaded = await self.exchange(load, CONNECT_SECONDS)
        self._scripts = dict(zip(scripts.ALL, loaded, strict=True))


async def _connected(
    address: StoreAddress, tls_ca: Path | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if address.path:
        return await asyncio.open_unix_connection(address.path)
    context = ssl.create_default_context(cafile=tls_ca) if address.tls else None
    return await asyncio.open_connection(address.host, address.port, ssl=context)


def _facts(text: bytes) -> Mapping[bytes, bytes]:
    pairs = (line.partition(b":") for line in text.splitlines())
    return {name: value for name, _, value in pairs}
