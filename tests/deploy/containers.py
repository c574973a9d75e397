"""Containers of the image that run as plain processes, asked from inside their networks."""

import asyncio
import json
import os
from asyncio.subprocess import PIPE, Process, create_subprocess_exec
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from typing import Any

from tests.deploy.dockerfile import Image
from tests.deploy.namespaces import Namespaces, children_of
from tests.deploy.workloads import Probe, Workload
from tests.harness.polling import next_poll
from tests.harness.tools import tool

_SECONDS = 120


@dataclass(slots=True)
class Container:
    """One that runs.

    Args:
        image: of which.
        workload: what it runs.
        process: the one outside, which waits for it.

    """

    image: Image
    workload: Workload
    process: Process

    @property
    def has_begun(self) -> bool:
        """Whether there is a process inside."""
        return bool(children_of(self.process.pid))

    @property
    def pid(self) -> int:
        """The first process inside, by its number outside."""
        return children_of(self.process.pid)[0]

    def status(self, name: str) -> str:
        """Return a line of /proc's about the first process inside."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith(f"{name}:"))

    async def asks(self, probe: Probe) -> bool:
        """Ask a probe's question, as a kubelet does: whether the status is one of success."""
        return await self.http_status(probe.port, probe.path) in range(200, 400)

    async def http_status(self, port: int, path: str) -> int:
        """Return the status that the server answers a GET with; 0 where none does."""
        asked = (
            "curl",
            "-s",
            "-o",
            "/dev/null",
            "-m",
            "5",
            "-w",
            "%{http_code}",
            f"http://127.0.0.1:{port}{path}",
        )
        return int((await self._beside(*asked))[1])

    async def until(self, probe: Probe, *, says: bool) -> None:
        """Return when a probe's answer is this one."""
        async with asyncio.timeout(_SECONDS):
            while await self.asks(probe) != says:
                assert self.process.returncode is None, await self.ended()
                await next_poll()

    async def call(self, method: str, request: Mapping[str, Any]) -> tuple[int, str]:
        """Call a method over gRPC; return the status and what was printed."""
        grpcurl = (str(tool("grpcurl")), "-plaintext", "-d", json.dumps(request))
        return await self._beside(*grpcurl, "127.0.0.1:50051", method)

    async def inside(self, *command: str) -> int:
        """Run a command in the container, as an engine's health check is; return its status."""
        user, group = map(str, self.workload.user)
        where = ("--all", f"--setuid={user}", f"--setgid={group}", "--root", "--wd")
        variables = [f"{name}={value}" for name, value in self.image.stage.environment.items()]
        whole = ("nsenter", f"--target={self.pid}", *where, "env", "-i", *variables, *command)
        done = await create_subprocess_exec(*whole, stdout=PIPE, stderr=PIPE)
        await done.communicate()
        assert done.returncode is not None
        return done.returncode

    async def ended(self) -> tuple[int, str]:
        """Wait for the end; return the status and what was written."""
        async with asyncio.timeout(_SECONDS):
            _, errors = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, errors.decode()

    async def _beside(self, *command: str) -> tuple[int, str]:
        """Run a program of this machine in the container's network; return its status and output."""
        whole = ("nsenter", f"--target={self.pid}", "--net", *command)
        done = await create_subprocess_exec(*whole, stdout=PIPE, stderr=PIPE)
        out, errors = await done.communicate()
        assert done.returncode is not None
        return done.returncode, (out or errors).decode()


@asynccontextmanager
async def running(image: Image, workload: Workload, mounts: Mapping[str, Path]) -> AsyncIterator[Container]:
    """Run a workload; give it at once. It is killed at the end, where it still runs.

    Args:
        image: of which.
        workload: it.
        mounts: folders of this machine, by the places that the workload mounts something at.

    """
    spaces = Namespaces(
        image.root,
        writable=not workload.read_only,
        mounts=mounts,
        temporary=workload.temporary,
        user=workload.user,
    )
    environment = image.stage.environment | dict(workload.environment)
    command = spaces.command(workload.command, image.stage.said["WORKDIR"], environment)
    process = await create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    container = Container(image, workload, process)
    try:
        while process.returncode is None and not container.has_begun:
            await next_poll()
        yield container
    finally:
        if process.returncode is None:
            # The first one inside takes all others there along, and the one outside ends by itself. Its own
            # end wouldn't do: who has become another user since isn't killed with a parent.
            os.kill(container.pid if container.has_begun else process.pid, SIGKILL)
            await process.communicate()
