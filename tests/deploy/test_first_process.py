"""A command as process 1, as in a container, which the kernel spares signals without a handler."""

import asyncio
import os
import signal
from asyncio.subprocess import PIPE, create_subprocess_exec

from tests.cli.running import LEDGER
from tests.deploy.namespaces import children_of, require_namespaces
from tests.harness.process import ROWGATE, environment


async def test_sigterm_ends_a_command_that_waits() -> None:
    require_namespaces()
    asked = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1") as database:
        port = database.sockets[0].getsockname()[1]
        dsn = f"postgresql://u@127.0.0.1:{port}/d"
        command = (*ROWGATE, "migrate", "--protos", str(LEDGER), "--dsn", dsn, "--connect-timeout", "300")
        alone = ("unshare", "--pid", "--fork", "--kill-child")
        process = await create_subprocess_exec(*alone, *command, env=environment(), stdout=PIPE, stderr=PIPE)
        try:
            async with asyncio.timeout(60):
                await asked.wait()
                os.kill(children_of(process.pid)[0], signal.SIGTERM)
                _, errors = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    assert (process.returncode, errors) == (128 + signal.SIGTERM, b"")
