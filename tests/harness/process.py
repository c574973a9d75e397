"""`rowgate serve` as a process of its own, for tests that only call it."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process, create_subprocess_exec
from collections.abc import Mapping
from contextlib import suppress
from tempfile import NamedTemporaryFile
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorSet

ROWGATE = (sys.executable, "-c", "from gateway.cli import main; main()")
_SECONDS = 120


def environment(**variables: str) -> Mapping[str, str]:
    """Return this environment without what would set rowgate or libpq up.

    One worker serves unless a test asks for more: what a limit or a pool holds is not divided then.
    """
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ROWGATE_", "PG"))}
    return {**kept, "ROWGATE_WORKERS": "1", **variables}


class ServerProcess:
    """A server that answers; its log goes where the tests' does."""

    def __init__(self, process: Process, target: str) -> None:
        self.process = process
        self.target = target

    @classmethod
    async def start(cls, descriptors: FileDescriptorSet, settings: Mapping[str, Any]) -> "ServerProcess":
        """Serve a schema with settings by their flat names; return when it is ready."""
        with NamedTemporaryFile(suffix=".binpb") as file:
            file.write(descriptors.SerializeToString())
            file.flush()
            return await cls.serving("--descriptor-set", file.name, *_flags(settings))

    @classmethod
    async def serving(cls, *flags: str) -> "ServerProcess":
        """Run `rowgate serve` with flags; return when it is ready."""
        process = await create_subprocess_exec(*ROWGATE, "serve", *flags, env=environment(), stdout=PIPE)
        assert process.stdout is not None
        async with asyncio.timeout(_SECONDS):
            line = (await process.stdout.readline()).decode()
        assert line.startswith("listening on "), f"status {await process.wait()}"
        return cls(process, line.split()[2].rstrip(","))

    async def workers(self) -> list[int]:
        """Return the ids of the server's own processes."""
        lister = await create_subprocess_exec("pgrep", "-P", str(self.process.pid), stdout=PIPE)
        found, _ = await lister.communicate()
        return [int(pid) for pid in found.split()]

    async def kill(self) -> None:
        """Kill -9 it: the supervisor first, which would start its workers again."""
        workers = await self.workers()
        for pid in (self.process.pid, *workers):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await self.process.communicate()

    async def stop(self) -> None:
        """End it, and wait for the end."""
        if self.process.returncode is None:
            self.process.terminate()
        async with asyncio.timeout(_SECONDS):
            await self.process.communicate()


def _flags(settings: Mapping[str, Any]) -> list[str]:
    flags = []
    for name, value in settings.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            flags.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            flags += [f"--{flag}", str(value)]
    return flags
