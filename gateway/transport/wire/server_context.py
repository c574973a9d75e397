"""The server context, which all connections of a server share."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from gateway.config.settings import Settings
from gateway.transport.host_names import HostNames
from gateway.transport.limits.processor import Processor
from gateway.transport.wire.fast_requests import ReadFast, never_fast
from gateway.transport.wire.http2.fast_path import FastMethod
from gateway.transport.wire.request import Responder

Blocks = dict[Hashable, Any]
"""What header blocks of HTTP/2 say."""


class OpenConnection(Protocol):
    """A connection, as its server sees it."""

    @property
    def is_idle(self) -> bool:
        """Whether no request is under way."""

    @property
    def calls(self) -> int:
        """How many requests are under way."""

    @property
    def has_left(self) -> bool:
        """Whether the client has heard that it is to leave: it sends no further requests."""

    def leave(self) -> None:
        """Have the client send its next requests elsewhere; until it knows, they are answered."""

    def break_off(self) -> None:
        """Have the calls under way answer that the server stops."""

    def close(self) -> None:
        """Close when what was put out is written; `abort` ends it if the client doesn't read that."""

    def abort(self) -> None:
        """Close at once."""

    def tick(self, now: float) -> None:
        """Do what is due; called about once a second."""


@dataclass(slots=True)
class ServerContext:
    """What is served, to whom.

    Args:
        respond: answers all requests but those of the fast methods.
        settings: timeouts, limits.
        processor: its time is shared among the requests.
        fast_methods: answer some calls over HTTP/2 themselves, by path.
        read_fast: reads which requests without a body are answered fast.
        connections: those that are open.
        heads: what header blocks of HTTP/2 say in any of them, by the names that the server is called by.
        is_leaving: whether clients are sent away, also those that come from now on.

    """

    respond: Responder
    settings: Settings
    processor: Processor
    fast_methods: Mapping[str, FastMethod] = field(default_factory=dict)
    read_fast: ReadFast = never_fast
    connections: set[OpenConnection] = field(default_factory=set)
    heads: dict[HostNames | None, tuple[dict[Hashable, Any], dict[Hashable, Any]]] = field(
        default_factory=dict
    )
    is_leaving: bool = False
