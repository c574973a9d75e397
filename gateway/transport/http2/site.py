"""What all connections of a host share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.config.settings import Settings
from gateway.transport.asgi.plain import Answer
from gateway.transport.asgi.server import AsgiServer
from gateway.transport.dispatch import Dispatcher
from gateway.transport.processor import Processor

if TYPE_CHECKING:
    from gateway.transport.http2.connection import Connection


@dataclass(slots=True)
class Site:
    """What is served, to whom.

    Args:
        application: answers all calls but the plain ones.
        settings: timeouts, limits.
        dispatcher: has, or refuses, a place for each plain call.
        processor: its time is shared among the calls.
        answers: what answers plain calls, by path.
        connections: those that are open.

    """

    application: AsgiServer
    settings: Settings
    dispatcher: Dispatcher
    processor: Processor
    answers: Mapping[str, Answer] = field(default_factory=dict)
    connections: "set[Connection]" = field(default_factory=set)
