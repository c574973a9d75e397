"""The server under test, as the runner starts it: `python -m tests.conformance.server TRANSPORT MODULE`.

One request on standard input says what to serve, one answer on standard output where; SIGTERM ends it.
"""

import asyncio
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.conformance.service import message
from tests.harness.mounted import mounted

_PREFIX = 4


def _read() -> Any:
    size = int.from_bytes(sys.stdin.buffer.read(_PREFIX), "big")
    return message("ServerCompatRequest").FromString(sys.stdin.buffer.read(size))


def _write(answer: Any) -> None:
    body = answer.SerializeToString()
    sys.stdout.buffer.write(len(body).to_bytes(_PREFIX, "big") + body)
    sys.stdout.buffer.flush()


def _settings(wanted: Any, folder: Path) -> Iterator[tuple[str, Any]]:
    if wanted.message_receive_limit:
        # A transport takes in twice the limit, so that the gateway's own refusal can name it.
        yield "max_request_bytes", wanted.message_receive_limit // 2
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


async def _serve(transport: str, module: str) -> None:
    wanted = _read()
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        settings = dict(_settings(wanted, folder))
        async with mounted(module, transport, **settings) as server:
            cert = wanted.server_creds.cert if wanted.use_tls else b""
            _write(message("ServerCompatResponse")(host="127.0.0.1", port=server.port, pem_cert=cert))
            await stopped.wait()


if __name__ == "__main__":
    asyncio.run(_serve(*sys.argv[1:]))
