"""The pages of the admin address, as a Responder."""

import asyncio
import logging
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import parse_qs

import orjson

from gateway.admin.source import Source
from gateway.observe.metrics.exposition import CONTENT_TYPE, exposition
from gateway.transport.wire.headers import find
from gateway.transport.wire.request import HttpRequest

_logger = logging.getLogger(__name__)
_CALLS, _PLAN = "/debug/calls", "/debug/plan"
_PRIVATE = frozenset({_CALLS, _PLAN})
_OF_THIS_MACHINE = ("ipv4:127.", "ipv6:[::1]", "unix:")
"""Peers that may read who calls what: scrapers have no need to."""
_READABLE = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
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
            _CALLS: self._calls,
            _PLAN: self._plan,
        }

    async def __call__(self, request: HttpRequest) -> None:
        """Answer a request."""
        page = await self._page(request)
        headers = [(b"content-type", page.content_type.encode()), (b"cache-control", b"no-store")]
        await request.respond(page.status, headers, page.body)

    async def _page(self, request: HttpRequest) -> Page:
        if (refusal := _refusal(request)) is not None:
            return refusal
        make = self._pages.get(request.path)
        if make is None:
            return Page("".join(f"{path}\n" for path in self._pages).encode(), HTTPStatus.NOT_FOUND)
        try:
            return await make(request)
        except Exception:
            _logger.exception("an admin page failed", extra={"path": request.path})
            return Page(b"failed: the log says why\n", HTTPStatus.INTERNAL_SERVER_ERROR)

    async def _live(self, _request: HttpRequest) -> Page:
        """Say that the event loop answers."""
        return Page(b"live\n")

    async def _ready(self, _request: HttpRequest) -> Page:
        if await self._source.is_ready():
            return Page(b"ready\n")
        return Page(b"not ready\n", HTTPStatus.SERVICE_UNAVAILABLE)

    async def _calls(self, _request: HttpRequest) -> Page:
        told = await self._source.calls()
        page = {"calls": [call._asdict() for call in told.calls], "silent_workers": told.silent_workers}
        return Page(orjson.dumps(page, option=_READABLE), content_type="application/json")

    async def _plan(self, request: HttpRequest) -> Page:
        """Answer with the plan of the statement that the query names."""
        named = parse_qs(request.query).get("statement", [""])
        plan = await self._source.plan(named[0])
        if plan is None:
            return Page(b"no statement of this name was seen that has a plan\n", HTTPStatus.NOT_FOUND)
        return Page(f"{plan}\n".encode())

    async def _metrics(self, _request: HttpRequest) -> Page:
        figures = await self._source.figures()
        # Ten thousand lines take some 0.2 s, for which no call may wait.
        return Page(await asyncio.to_thread(exposition, figures), content_type=CONTENT_TYPE)


def _refusal(request: HttpRequest) -> Page | None:
    """Return what a request is answered that isn't for its sender, or can't be; None for others."""
    if request.misdirected:
        return Page(b"the host name isn't one of this server's\n", HTTPStatus.MISDIRECTED_REQUEST)
    if request.method not in ("GET", "HEAD"):
        return Page(b"GET and HEAD alone\n", HTTPStatus.METHOD_NOT_ALLOWED)
    if request.path in _PRIVATE and not request.peer.startswith(_OF_THIS_MACHINE):
        return Page(b"answered to callers of this machine alone\n", HTTPStatus.FORBIDDEN)
    if request.path in _PRIVATE and not _is_same_origin(request):
        return Page(b"answered to no page of another origin\n", HTTPStatus.FORBIDDEN)
    return None


def _is_same_origin(request: HttpRequest) -> bool:
    """Whether a request is of no browser's page, or of one that the admin address has served itself."""
    origin = find(request.headers, b"origin")
    return origin is None or origin == b"http://" + request.authority.encode("latin-1")
