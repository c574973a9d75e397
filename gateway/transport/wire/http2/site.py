"""What all connections of a host share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.config.settings import Settings
from gateway.transport.asgi.plain import Answer
from gateway.transport.dispatch import Dispatcher
from gateway.transport.processor import Processor
from gateway.transport.wire.request import Responder

if TYPE_CHECKING:
    from gateway.transport.wire.http2.connection import Connection


@dataclass(slots=True)
class Site:
    """What is served, to whom.

    Args:
        respond: answers all requests but plain calls.
        settings: timeouts, limits.
        dispatcher: has, or refuses, a place for each plain call.
        processor: its time is shared among the calls.
        answers: what answers plain calls, by path.
        connections: those that are open.

    """

    respond: Responder
    settings: Settings
    dispatcher: Dispatcher
    processor: Processor
    answers: Mapping[str, Answer] = field(default_factory=dict)
    connections: "set[Connection]" = field(default_factory=set)
