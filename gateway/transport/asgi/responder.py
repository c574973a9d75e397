"""An ASGI application as a Responder, for calls that no protocol answers yet."""

import asyncio
from contextlib import suppress
from typing import Any

from gateway.transport.asgi.server import AsgiServer
from gateway.transport.asgi.stream import Event
from gateway.transport.wire.request import Gone, HttpRequest, Responder


def asgi_responder(application: AsgiServer) -> Responder:
    """Return what answers requests by the application."""

    async def respond(request: HttpRequest) -> None:
        events = _Events(request)
        try:
            with suppress(Gone):
                await application(_scope(request), events.receive, events.send)
        finally:
            events.gone.set()

    return respond


def _scope(request: HttpRequest) -> dict[str, Any]:
    return {
        "type": "http",
        "method": request.method,
        "path": request.path,
        "headers": request.headers,
        "header_bytes": request.header_bytes,
        "peer": request.peer,
        "misdirected": request.misdirected,
    }


class _Events:
    """The events of one request."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._whole = False
        self._start: Event = {}
        self.gone = asyncio.Event()
        request.when_gone(self.gone.set)

    async def receive(self) -> Event:
        """Return the next event; after the last piece it comes when the client has gone."""
        if self._whole:
            await self.gone.wait()
            return {"type": "http.disconnect"}
        try:
            piece = await self._request.read()
        except Gone:
            return {"type": "http.disconnect"}
        self._whole = not piece
        return {"type": "http.request", "body": piece, "more_body": not self._whole}

    async def send(self, event: Event) -> None:
        """Take an event of the response."""
        kind = event["type"]
        if kind == "http.response.start":
            self._start = event
            if event.get("trailers"):
                self._request.start(event["status"], event["headers"])
        elif kind == "http.response.trailers":
            await self._request.end(event["headers"])
        elif not self._start.get("trailers"):
            await self._request.respond(self._start["status"], self._start["headers"], event["body"])
        elif event["body"]:
            await self._request.write(event["body"])
