"""The forms of a streamed response: one JSON array, lines of JSON, or server-sent events."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import Descriptor
from google.protobuf.message_factory import GetMessageClass

_RESUME_TOKEN = "resume_token"  # noqa: S105 - a field's name


@dataclass(frozen=True, slots=True)
class StreamForm:
    """How messages and the error that ends them stand one after the other.

    Args:
        content_type: of the response.
        opening: stands before the first message.
        message: returns a message's piece; takes its JSON, and its bytes.
        between: stands before every other.
        error: returns the piece that tells the error, by its JSON.
        closing: ends the response.
        closed: ends it where there was no error.

    """

    content_type: bytes
    message: Callable[[bytes, bytes], bytes]
    error: Callable[[bytes], bytes]
    opening: bytes = b""
    between: bytes = b""
    closing: bytes = b""
    closed: bytes = b""


ARRAY, LINES, EVENTS = b"application/json", b"application/x-ndjson", b"text/event-stream"
_ERROR = b'{"error":%s}'


def stream_form(accept: bytes, response: Descriptor) -> StreamForm:
    """Return the form that a request's `accept` header asks for; an array where it names none of them."""
    return _FORMS[accepted(accept)](response)


def accepted(accept: bytes) -> bytes:
    """Return the first content type of a stream that the header names and doesn't rule out."""
    for part in accept.lower().split(b","):
        kind, _, weight = part.partition(b";")
        if kind.strip() in _FORMS and weight.replace(b" ", b"") not in (b"q=0", b"q=0.0"):
            return kind.strip()
    return ARRAY


def _array(_response: Descriptor) -> StreamForm:
    return StreamForm(
        ARRAY,
        lambda text, _message: text,
        lambda status: _ERROR % status,
        opening=b"[",
        between=b",\n",
        closing=b"]\n",
    )


def _lines(_response: Descriptor) -> StreamForm:
    return StreamForm(LINES, lambda text, _message: text + b"\n", lambda status: _ERROR % status + b"\n")


def _events(response: Descriptor) -> StreamForm:
    return StreamForm(
        EVENTS,
        _event_with_token(response) if _RESUME_TOKEN in response.fields_by_name else _event,
        lambda status: b"event: error\ndata: %s\n\n" % status,
        closed=b"event: end\ndata: {}\n\n",
    )


def _event(text: bytes, _message: bytes) -> bytes:
    return b"data: %s\n\n" % text


def _event_with_token(response: Descriptor) -> Callable[[bytes, bytes], bytes]:
    """Return what gives events the id that clients send as Last-Event-ID when they come back."""
    made: Any = GetMessageClass(response)

    def event(text: bytes, message: bytes) -> bytes:
        token: str = made.FromString(message).resume_token
        return b"id: %s\ndata: %s\n\n" % (token.encode(), text) if token else _event(text, message)

    return event


_FORMS: dict[bytes, Callable[[Descriptor], StreamForm]] = {ARRAY: _array, LINES: _lines, EVENTS: _events}
CONTENT_TYPES: Sequence[str] = tuple(form.decode() for form in _FORMS)
