"""Streams of health and reflection, which stay open for as long as their clients like: so many at once."""

from dataclasses import dataclass
from typing import Any

from gateway.errors import RowgateError
from gateway.transport.admission import Admission
from gateway.transport.calls import abort_with
from gateway.transport.exchange import named_peer

_PART = 8
_LEAST = 8


@dataclass(frozen=True, slots=True, eq=False)
class _Stream:
    path: str
    peer: str


class OpenStreams:
    """Counts them apart from the calls in flight: a drain doesn't wait for them, they take no call's place.

    Args:
        max_in_flight: the limit of calls; the streams have an eighth of it, a connection about half of that.

    """

    def __init__(self, max_in_flight: int) -> None:
        self._admission = Admission(max(_LEAST, max_in_flight // _PART))

    async def enter(self, path: str, context: Any) -> None:
        """Count a stream until it ends; abort it with RESOURCE_EXHAUSTED where there are too many."""
        stream = _Stream(path, named_peer(context.peer()))
        try:
            self._admission.enter(stream)
        except RowgateError as error:
            await abort_with(context, error)
        context.add_done_callback(lambda _: self._admission.leave(stream))
