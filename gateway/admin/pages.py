"""The pages of the admin address, as a Responder."""

import logging
from http import HTTPStatus
from typing import NamedTuple

from gateway.admin.source import Source
from gateway.observe.metrics.exposition import CONTENT_TYPE, exposition
from gateway.transport.wire.request import HttpRequest

_logger = logging.getLogger(__name__)
_TEXT = "text/plain; charset=utf-8"


class Page(NamedTuple):
    """An answer."""

    body: bytes
    status: HTTPStatus = HTTPStatus.OK
    content_type: str = _TEXT


class Pages:
    """Answers GET and HEAD; raises nothing but CancelledError, and Gone where the client has gone.

    Args:
        source: what they tell of.

    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._pages = {
            "/live": self._live,
            "/ready": self._ready,
            "/metrics": self._metrics,
        }

    async def __call__(self, request: HttpRequest) -> None:
        """Answer a request."""
        page = await self._page(request)
        headers = [(b"content-type", page.content_type.encode()), (b"cache-control", b"no-store")]
        await request.respond(page.status, headers, page.body)

    async def _page(self, request: HttpRequest) -> Page:
        if request.misdirected:
            return Page(b"the host name isn't one of this server's\n", HTTPStatus.MISDIRECTED_REQUEST)
        if request.method not in ("GET", "HEAD"):
            return Page(b"GET and HEAD alone\n", HTTPStatus.METHOD_NOT_ALLOWED)
        make = self._pages.get(request.path)
        if make is None:
            return Page("".join(f"{path}\n" for path in self._pages).encode(), HTTPStatus.NOT_FOUND)
        try:
            return await make()
        except Exception:
            _logger.exception("an admin page failed", extra={"path": request.path})
            return Page(b"failed: the log says why\n", HTTPStatus.INTERNAL_SERVER_ERROR)

    async def _live(self) -> Page:
        """Say that the event loop answers."""
        return Page(b"live\n")

    async def _ready(self) -> Page:
        if await self._source.is_ready():
            return Page(b"ready\n")
        return Page(b"not ready\n", HTTPStatus.SERVICE_UNAVAILABLE)

    async def _metrics(self) -> Page:
        return Page(exposition(await self._source.figures()), content_type=CONTENT_TYPE)
