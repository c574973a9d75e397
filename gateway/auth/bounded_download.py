"""A small file of a URL, had within bounds of time and size, whatever its server does."""

import asyncio
import ssl
from pathlib import Path
from urllib.parse import urlsplit

import httptools

from gateway.files.regular import read_regular

_SECONDS = 5.0
_PIECE = 16 * 1024
_HEAD = 64 * 1024
_OK = 200
_MAX_AUTHORITIES = 1024 * 1024


class Download:
    """Gets a URL: without redirects, which could lead anywhere, and over TLS with the server's name verified.

    Args:
        url: of https, or of http where the server is this machine.
        most: bytes that it may have.
        authorities: certificates, PEM, one of which must have signed the server's; by default the system's.

    Raises OSError where the authorities can't be used.

    """

    def __init__(self, url: str, most: int, authorities: Path | None) -> None:
        self.url = url
        self._most = most
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        is_tls = parts.scheme == "https"
        if authorities is not None:
            read_regular(authorities, _MAX_AUTHORITIES)  # OpenSSL would wait for a FIFO's writer
        self._tls = ssl.create_default_context(cafile=authorities) if is_tls else None
        self._port = parts.port or (443 if is_tls else 80)
        path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        lines = (
            f"GET {path} HTTP/1.1",
            f"host: {parts.netloc}",
            "accept: application/json",
            "connection: close",
        )
        self._request = "\r\n".join((*lines, "user-agent: rowgate", "", "")).encode()

    async def __call__(self) -> bytes:
        """Return the response's body; raises OSError."""
        try:
            async with asyncio.timeout(_SECONDS):
                return await self._get()
        except TimeoutError as error:
            raise OSError(f"no whole answer within {_SECONDS:g} s") from error
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            raise OSError("the answer is no HTTP") from error

    async def _get(self) -> bytes:
        reader, writer = await asyncio.open_connection(self._host, self._port, ssl=self._tls)
        try:
            writer.write(self._request)
            response = _Response()
            parser, taken = httptools.HttpResponseParser(response), 0
            while not response.is_whole:
                data = await reader.read(_PIECE)
                taken += len(data)
                if not data:
                    raise OSError("the answer ends early")
                parser.feed_data(data)
                if len(response.body) > self._most or taken > self._most + _HEAD:
                    raise OSError(f"the answer has more than {self._most} bytes")
                status = parser.get_status_code()
            if status != _OK:
                raise OSError(f"the answer's status is {status}")
            return bytes(response.body)
        finally:
            writer.transport.abort()


class _Response:
    """What httptools tells of a response."""

    def __init__(self) -> None:
        self.body = bytearray()
        self.is_whole = False

    def on_body(self, piece: bytes) -> None:
        self.body += piece

    def on_message_complete(self) -> None:
        self.is_whole = True
