"""Health and reflection among the dispatcher's methods: the server's own, which take no call's place."""

from collections.abc import Mapping
from dataclasses import dataclass

from google.protobuf.descriptor import MethodDescriptor

from gateway.config.settings import LimitSettings
from gateway.transport.exchange import Answer
from gateway.transport.limits.admission import Admission

_PART = 8
_LEAST = 8


@dataclass(frozen=True, slots=True)
class BuiltinMethod:
    """A method that says how the server is. It asks no database, so it is answered under overload, too.

    It isn't counted in `max_in_flight`, isn't logged, is open while the server drains, and has no deadline
    but its caller's.

    Args:
        descriptor: what it takes and gives, and which of both is a stream.
        answer: answers it, as the methods of a schema are.
        is_open: whether everybody may call it, whoever they are.

    """

    descriptor: MethodDescriptor
    answer: Answer
    is_open: bool = False


BuiltinMethods = Mapping[str, BuiltinMethod]
"""By path, `/package.Service/Method`."""


def places_of_streams(limits: LimitSettings) -> Admission:
    """Return what counts the streams of health and reflection, which stay open for as long as clients like.

    They have an eighth of `max_in_flight`, a connection about half of that.
    """
    return Admission(max(_LEAST, limits.max_in_flight // _PART))
