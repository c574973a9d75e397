"""What all connections of a host share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.config.settings import Settings
from gateway.transport.asgi.plain import Answer
from gateway.transport.asgi.server import AsgiServer

if TYPE_CHECKING:
    from gateway.transport.http2.connection import Connection


@dataclass(slots=True)
class Site:
    """What is served, to whom.

    Args:
        application: answers all calls but the plain ones.
        settings: timeouts, limits.
        answers: what answers plain calls, by path.
        connections: those that are open.

    """

    application: AsgiServer
    settings: Settings
    answers: Mapping[str, Answer] = field(default_factory=dict)
    connections: "set[Connection]" = field(default_factory=set)
