"""Pages of other origins: which may call, and what their browsers are told (Fetch standard, CORS)."""

from collections.abc import Sequence

from gateway.transport.protocols.decorated_request import DecoratedRequest
from gateway.transport.protocols.refused_requests import refuse
from gateway.transport.wire.request import Header, HttpRequest

_ANY = "*"
_EXPOSED = (
    b"grpc-status, grpc-message, grpc-status-details-bin, x-request-id, rowgate-explain, rowgate-explain-bin"
)
_PREFLIGHT: Sequence[Header] = (
    (b"access-control-allow-methods", b"GET, POST, PUT, PATCH, DELETE"),
    # The asterisk stands for all but `authorization`.
    (b"access-control-allow-headers", b"*, authorization"),
    (b"access-control-max-age", b"7200"),
)
_FORBIDDEN = b"pages of this origin may not call: http.allowed_origins doesn't name it\n"
_TEXT: Sequence[Header] = ((b"content-type", b"text/plain"),)


class Origins:
    """The origins whose pages may call. No cookies go along: nothing here reads them.

    Args:
        allowed: as browsers write them; `*` is every one.

    """

    def __init__(self, allowed: Sequence[str]) -> None:
        self._any = _ANY in allowed
        self._allowed = frozenset(one.encode() for one in allowed)

    async def admit(self, request: HttpRequest, origin: bytes) -> HttpRequest | None:
        """Return the request of a page, whose response its browser will let it read.

        None where it has its response: a page that isn't allowed is refused, and a browser that asks
        beforehand is told that it may.
        """
        if not (self._any or origin in self._allowed):
            await refuse(request, 403, _TEXT, _FORBIDDEN)
            return None
        page = _PageRequest(request, origin)
        if request.method == "OPTIONS":
            await page.respond(204, _PREFLIGHT)
            return None
        return page


class _PageRequest(DecoratedRequest):
    """A request of an allowed page."""

    def __init__(self, request: HttpRequest, origin: bytes) -> None:
        super().__init__(request)
        self._told: Sequence[Header] = (
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", _EXPOSED),
            (b"vary", b"origin"),
        )

    async def respond(self, status: int, headers: Sequence[Header], body: bytes = b"") -> None:
        """Send a whole response."""
        await super().respond(status, [*headers, *self._told], body)

    def start(self, status: int, headers: Sequence[Header]) -> None:
        """Send the beginning of a response."""
        super().start(status, [*headers, *self._told])
