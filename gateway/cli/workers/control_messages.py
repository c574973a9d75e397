"""Control messages between a supervisor and a worker, over a socket pair that only they hold."""

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Literal

from gateway.config.settings import Settings
from gateway.observe.call_record import CallUnderWay
from gateway.observe.metrics.figures import Figures

CHANNEL_VARIABLE = "ROWGATE_WORKER_CHANNEL"
"""Names the worker's end of the socket pair, a file descriptor."""
HEALTH_SOCKET = "health.sock"
"""Where a worker listens for its supervisor alone, in the folder that it is started in."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """Supervisor to worker, first of all: what to serve.

    Args:
        settings: all of them, secrets too: neither the command line nor a file holds them.
        descriptors: the schema, a serialized FileDescriptorSet.
        folder: where relative paths start.

    """

    settings: Settings
    descriptors: bytes
    folder: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Supervisor to worker: drain, then stop."""


@dataclass(frozen=True, slots=True)
class Retire:
    """Supervisor to worker: others serve from now on; have the clients leave, then stop."""


@dataclass(frozen=True, slots=True)
class ForceStop:
    """Supervisor to worker: wait for no call any more."""


@dataclass(frozen=True, slots=True)
class SendAway:
    """Supervisor to worker: have clients open some of their connections anew.

    Args:
        connections: how many at most.
        weight: how much they may have to do in all: 1 for each, and 1 for each call under way.

    """

    connections: int
    weight: float


@dataclass(frozen=True, slots=True)
class Ask:
    """Supervisor to worker: tell how you are.

    Args:
        number: the question's, which its answer has.
        what: is asked for.
        statement: whose plan.

    """

    number: int
    what: Literal["figures", "calls", "plan"] = "figures"
    statement: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """Worker to supervisor: how it is.

    Args:
        number: the question's.
        figures: of all its metrics; None where they weren't asked for.
        calls: those under way.
        plan: of the statement; None where it has none.

    """

    number: int
    figures: Figures | None = None
    calls: Sequence[CallUnderWay] = ()
    plan: str | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """Worker to supervisor: calls are answered."""

    services: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """Worker to supervisor: the start failed, with what to say and the exit status."""

    message: str
    status: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """Worker to supervisor: no call is under way, the pool is closed.

    Args:
        figures: the last ones.

    """

    figures: Figures = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ended:
    """The other side is gone; nobody sends it."""


Message = Assignment | Stop | Retire | ForceStop | SendAway | Ask | Told | Ready | Failed | Stopped | Ended


class Channel:
    """One end of the socket pair.

    Args:
        descriptor: the open file; closed by `close`.

    """

    def __init__(self, descriptor: int) -> None:
        os.set_inheritable(descriptor, False)
        self._connection: Connection[Message, Message] = Connection(descriptor)
        self._sending = threading.Lock()

    def send(self, message: Message) -> None:
        """Send; blocks while the other side doesn't read, and is silent where it is gone."""
        try:
            with self._sending:
                self._connection.send(message)
        except OSError:
            return

    def receive(self) -> Message:
        """Wait for a message; Ended at the end."""
        try:
            return self._connection.recv()
        except (EOFError, OSError):
            return Ended()

    def listen(self, heard: Callable[[Message], None]) -> None:
        """Call `heard` with every message, in a thread of its own, until Ended."""

        def run() -> None:
            message: Message | None = None
            while not isinstance(message, Ended):
                message = self.receive()
                heard(message)

        threading.Thread(target=run, name="worker channel", daemon=True).start()

    def close(self) -> None:
        """Close this end."""
        self._connection.close()
