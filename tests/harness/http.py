"""HTTP/1.1, as scripts and browsers speak it: one request on a connection of its own."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; the headers' names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        assert self.headers["content-type"] == "application/json", self
        return json.loads(self.body)


async def ask(
    target: str,
    method: str,
    path: str,
    body: bytes | Mapping[str, Any] | None = None,
    headers: Mapping[str, str] = {},
) -> Answer:
    """Send a request to `host:port`; a mapping as body is sent as JSON."""
    if isinstance(body, Mapping):
        body, headers = json.dumps(body).encode(), {"content-type": "application/json", **headers}
    return await asyncio.to_thread(_ask, target, method, path, body, headers)


def _ask(target: str, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
    connection = HTTPConnection(target, timeout=_SECONDS)
    try:
        connection.request(method, path, body, dict(headers))
        response = connection.getresponse()
        named = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, named, response.read())
    finally:
        connection.close()
