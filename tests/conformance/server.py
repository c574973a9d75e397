"""The servers under test, in one process: `python -m tests.conformance.server TRANSPORT MODULE SOCKET`.

A connection to SOCKET is a server: one request says what to serve, one answer where, and it serves until the
connection ends. The runner waits ten seconds for a server that it starts, and on a busy machine to import all
that serves may take longer: so this is started before it, and what it starts is relay.py.
"""

import asyncio
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gateway.cli.runtime import loop_factory
from tests.conformance.service import message
from tests.harness.mounted import mounted

_PREFIX = 4


async def _read(reader: StreamReader) -> Any:
    size = int.from_bytes(await reader.readexactly(_PREFIX), "big")
    return message("ServerCompatRequest").FromString(await reader.readexactly(size))


def _written(answer: Any) -> bytes:
    body: bytes = answer.SerializeToString()
    return len(body).to_bytes(_PREFIX, "big") + body


def _settings(wanted: Any, transport: str, folder: Path) -> Iterator[tuple[str, Any]]:
    if wanted.message_receive_limit:
        # http takes in twice the limit, so that the refusal of the gateway, which isn't here, can name it.
        taken = 2 if transport == "http" else 1
        yield "max_request_bytes", wanted.message_receive_limit // taken
    if wanted.use_tls:
        files = {
            "tls_cert": wanted.server_creds.cert,
            "tls_key": wanted.server_creds.key,
            "tls_client_ca": wanted.client_tls_cert,
        }
        for name, content in files.items():
            if content:
                (folder / name).write_bytes(content)
                yield name, folder / name


async def _serve(transport: str, module: str, reader: StreamReader, writer: StreamWriter) -> None:
    wanted = await _read(reader)
    with ExitStack() as stack:
        stack.callback(writer.close)
        folder = Path(stack.enter_context(TemporaryDirectory()))
        settings = dict(_settings(wanted, transport, folder))
        async with mounted(module, transport, **settings) as server:
            cert = wanted.server_creds.cert if wanted.use_tls else b""
            writer.write(
                _written(message("ServerCompatResponse")(host="127.0.0.1", port=server.port, pem_cert=cert))
            )
            await reader.read()


async def _serve_all(transport: str, module: str, place: str) -> None:
    async with await asyncio.start_unix_server(partial(_serve, transport, module), place) as listening:
        print(place, flush=True)  # noqa: T201 - what whoever started it waits for
        await listening.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_serve_all(*sys.argv[1:]))
