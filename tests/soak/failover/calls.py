"""Calls of a gateway by Connect over HTTP/1.1, whose ends are timed: no client of its own ends them first."""

import asyncio
import base64
import json
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from google.rpc import error_details_pb2

DEADLINE = 2.0
"""Seconds of each call."""
_GIVEN_UP = 30.0
_TICK = 0.02
_OPEN = {"unknown", "deadline_exceeded", "canceled", "lost", "internal"}
"""Codes after which a write may have happened, or may happen yet."""


@dataclass(frozen=True, slots=True)
class End:
    """How a call ended.

    Args:
        code: Connect's; `ok`, or `lost` where no answer came.
        body: the response, or the error.

    """

    code: str
    body: Mapping[str, Any]

    @property
    def is_open(self) -> bool:
        """Whether nobody can know by this what became of a write."""
        return self.code in _OPEN


@dataclass(slots=True)
class Caller:
    """Calls one gateway, each client over connections of its own.

    Args:
        target: the gateway.
        ends: calls by their code and reason.
        longest: seconds that the longest took, without those in which this process didn't get to run.

    """

    target: str
    ends: Counter[str] = field(default_factory=Counter)
    longest: float = 0.0
    _stalled: float = 0.0

    async def watch_itself(self) -> None:
        """Count for ever the seconds in which this process, the cluster's network too, stood still."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _TICK
            await asyncio.sleep(_TICK)
            late = loop.time() - due
            self._stalled += late if late > _TICK else 0.0

    async def call(self, method: str, fields: Mapping[str, Any]) -> End:
        """Call `package.Service/Method`, with the fields of the request as JSON."""
        loop = asyncio.get_running_loop()
        begun, stalled = loop.time(), self._stalled
        try:
            async with asyncio.timeout(_GIVEN_UP):
                status, body = await _post(self.target, method, json.dumps(fields).encode())
        except (OSError, EOFError, ValueError, TimeoutError):
            end = End("lost", {})
        else:
            end = End("ok", body) if status == 200 else End(str(body.get("code")), body)
        self.longest = max(self.longest, loop.time() - begun - (self._stalled - stalled))
        self.ends[f"{end.code} {_reason(end.body)}".strip()] += 1
        return end


async def _post(target: str, method: str, body: bytes) -> tuple[int, Any]:
    host, port = target.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        head = (
            f"POST /{method} HTTP/1.1\r\nhost: {target}\r\ncontent-type: application/json\r\n"
            f"connect-protocol-version: 1\r\nconnect-timeout-ms: {1000 * DEADLINE:.0f}\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        writer.write(head.encode() + body)
        status = int((await reader.readline()).split()[1])
        while (await reader.readline()).strip():
            pass
        return status, json.loads(await reader.read())
    finally:
        writer.close()


def _reason(body: Mapping[str, Any]) -> str:
    for detail in body.get("details", ()):
        if detail.get("type") == "google.rpc.ErrorInfo":
            with suppress(ValueError):
                value = str(detail["value"])
                padded = base64.b64decode(value + "=" * (-len(value) % 4))
                return str(error_details_pb2.ErrorInfo.FromString(padded).reason)
    return ""
