"""The forms of a streamed response: one JSON array, lines of JSON, or server-sent events."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StreamForm:
    """How messages and the error that ends them stand one after the other.

    Args:
        content_type: of the response.
        opening: stands before the first message.
        message: returns a message's piece; takes its JSON, and where a client goes on that has read it.
        between: stands before every other.
        error: returns the piece that tells the error, by its JSON.
        closing: ends the response.
        closed: ends it where there was no error.

    """

    content_type: bytes
    message: Callable[[bytes, str], bytes]
    error: Callable[[bytes], bytes]
    opening: bytes = b""
    between: bytes = b""
    closing: bytes = b""
    closed: bytes = b""


ARRAY, LINES, EVENTS = b"application/json", b"application/x-ndjson", b"text/event-stream"
_ERROR = b'{"error":%s}'


def stream_form(accept: bytes) -> StreamForm:
    """Return the form that a request's `accept` header asks for; an array where it names none of them."""
    return _FORMS[accepted(accept)]


def accepted(accept: bytes) -> bytes:
    """Return the first content type of a stream that the header names and doesn't rule out."""
    for part in accept.lower().split(b","):
        kind, _, weight = part.partition(b";")
        if kind.strip() in _FORMS and weight.replace(b" ", b"") not in (b"q=0", b"q=0.0"):
            return kind.strip()
    return ARRAY


def _event(text: bytes, token: str) -> bytes:
    """Return an event; its id is what clients send as Last-Event-ID when they come back."""
    return b"id: %s\ndata: %s\n\n" % (token.encode(), text) if token else b"data: %s\n\n" % text


_FORMS: dict[bytes, StreamForm] = {
    ARRAY: StreamForm(
        ARRAY,
        lambda text, _token: text,
        lambda status: _ERROR % status,
        opening=b"[",
        between=b",\n",
        closing=b"]\n",
    ),
    LINES: StreamForm(LINES, lambda text, _token: text + b"\n", lambda status: _ERROR % status + b"\n"),
    EVENTS: StreamForm(
        EVENTS,
        _event,
        lambda status: b"event: error\ndata: %s\n\n" % status,
        closed=b"event: end\ndata: {}\n\n",
    ),
}
CONTENT_TYPES: Sequence[str] = tuple(form.decode() for form in _FORMS)
