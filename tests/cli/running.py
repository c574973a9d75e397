"""`rowgate serve` as a process of its own."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from tests.harness.gateway import SCHEMAS, descriptors_of
from tests.harness.preloaded import preloaded_rowgate
from tests.harness.process import ROWGATE, environment

LEDGER = SCHEMAS / "ledger"


class Running:
    """A server process; its log is read line by line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.log: list[Mapping[str, Any]] = []

    @classmethod
    async def start(cls, *flags: str) -> "Running":
        """Start `rowgate serve` on a free port; don't wait."""
        process = await asyncio.create_subprocess_exec(
            *(*ROWGATE, "serve", "--listen", "127.0.0.1:0", "--log-format", "json"),
            *flags,
            env=environment(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        return cls(process)

    async def logged(self, event: str) -> Mapping[str, Any]:
        """Wait for a line of the log."""
        assert self.process.stderr is not None
        async with asyncio.timeout(120):
            while line := await self.process.stderr.readline():
                self.log.append(json.loads(line))
                if self.log[-1]["event"] == event:
                    return self.log[-1]
        raise AssertionError(f"{event} was not logged, but {self.log}")

    async def ready(self) -> str:
        """Wait until it serves; return its address."""
        addresses = (await self.logged("ready"))["addresses"]
        return str(addresses[0])

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    async def ended(self) -> tuple[int, str, str]:
        """Wait for its end; return its status, output and the rest of its log."""
        async with asyncio.timeout(120):
            out, err = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, out.decode(), err.decode()


Start = Callable[..., Awaitable[Running]]


@asynccontextmanager
async def servers(*first: str) -> AsyncIterator[Start]:
    """Give what starts servers, with these flags before others; what still runs at the end is killed."""
    running: list[Running] = []

    async def started(*flags: str) -> Running:
        running.append(await Running.start(*first, *flags))
        return running[-1]

    yield started
    for one in running:
        if one.process.returncode is None:
            one.process.kill()
            await one.process.wait()


async def rowgate(*args: str, **variables: str) -> tuple[int, str, str]:
    """Run a command to its end; return its status, output and errors."""
    process = await asyncio.create_subprocess_exec(
        *preloaded_rowgate(),
        *args,
        env=environment(**variables),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    return await Running(process).ended()


def descriptor_set() -> bytes:
    """Return the ledger's descriptor set, as protoc writes it."""
    return descriptors_of("ledger").SerializeToString()
