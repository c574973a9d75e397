"""The flights sample as `make run` serves it: its own process, database folder and port."""

import os
import queue
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]

# Below those that Linux and macOS give to the ends of connections that go out.
_PORTS = range(15_000, 32_000)

LAST_LINE = "Ctrl-C ends it."
"""What the sample prints when it is served and loaded."""


def free_port() -> int:
    """Return a port that was free a moment ago, and that no connection is given as its own end."""
    while True:
        port = secrets.choice(_PORTS)  # hypothesis seeds `random`
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port


@dataclass(slots=True)
class Sample:
    """A served sample.

    Args:
        target: `host:port` of the gateway.
        process: `examples.flights.run`.
        page: `host:port` of the one web server whose pages may call it.
        printed: the lines that it printed so far.
        seconds: how long it took until it was served and loaded.

    """

    target: str
    process: subprocess.Popen[str]
    page: str
    printed: list[str] = field(default_factory=list)
    seconds: float = 0.0
    _lines: queue.Queue[str | None] = field(default_factory=queue.Queue)
    _reader: threading.Thread | None = None

    def read_until(self, last: str, within: float) -> None:
        """Return when it has printed a line; raises AssertionError where it ends before, or is late."""
        # The thread reads on to the end, so that the process never waits for a full pipe.
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        began = time.monotonic()
        while (line := self._next(began + within)) != last:
            if line is None:
                self.stop()
                raise AssertionError(f"{last!r} was not printed in {within} s:\n" + "\n".join(self.printed))
        self.seconds = time.monotonic() - began

    def stop(self, within: float = 60) -> int:
        """End it as Ctrl-C does; return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        status = self.process.wait(within)
        if self._reader is not None:
            self._reader.join(within)
        return status

    def _next(self, deadline: float) -> str | None:
        try:
            return self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            return None

    def _read(self) -> None:
        if self.process.stdout is not None:
            with self.process.stdout as printed:
                for line in printed:
                    self.printed.append(line.rstrip("\n"))
                    self._lines.put(self.printed[-1])
        self._lines.put(None)


def start_sample(data: Path, *, within: float = 240) -> Sample:
    """Serve the sample with its database in `data`; return when it is loaded.

    Raises AssertionError, with what it printed, where it ends or is late.
    """
    target, page = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        [sys.executable, "-m", "examples.flights.run"],
        cwd=ROOT,
        env=_environment(data, target, page),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    sample = Sample(target, process, page)
    sample.read_until(LAST_LINE, within)
    return sample


def _environment(data: Path, target: str, page: str) -> Mapping[str, str]:
    own = {
        "ROWGATE_LISTEN": target,
        "ROWGATE_DATA_DIR": str(data),
        "ROWGATE_HTTP_ALLOWED_ORIGINS": f"http://{page}",
        "COLUMNS": "200",
    }
    return {
        name: value for name, value in os.environ.items() if not name.startswith(("PG", "ROWGATE_"))
    } | own
