"""The flights sample as `make run` serves it: its own process, database folder and port."""

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]

LAST_LINE = "Ctrl-C ends it."
"""What the sample prints when it is served and loaded."""


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@dataclass(slots=True)
class Sample:
    """A served sample.

    Args:
        target: `host:port` of the gateway.
        process: `examples.flights.run`.
        printed: the lines that it printed so far.
        seconds: how long it took until it was served and loaded.

    """

    target: str
    process: subprocess.Popen[str]
    printed: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def stop(self, within: float = 60) -> int:
        """End it as Ctrl-C does; return its exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(within)


def start_sample(data: Path, *, within: float = 240, more: Sequence[str] = ()) -> Sample:
    """Serve the sample with its database in `data`; return when it is loaded.

    Raises AssertionError, with what it printed, where it ends or is late.
    """
    target = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "examples.flights.run", "--target", target, *more]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=_environment(data),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    sample = Sample(target, process)
    began = time.monotonic()
    _read_until(sample, LAST_LINE, began + within)
    sample.seconds = time.monotonic() - began
    return sample


def _environment(data: Path) -> Mapping[str, str]:
    own = {"ROWGATE_DATA_DIR": str(data), "COLUMNS": "200"}
    return {
        name: value for name, value in os.environ.items() if not name.startswith(("PG", "ROWGATE_"))
    } | own


def _read_until(sample: Sample, last: str, deadline: float) -> None:
    lines: queue.Queue[str | None] = queue.Queue()
    # The thread reads on to the end, so that the process never waits for a full pipe.
    threading.Thread(target=_pump, args=(sample, lines), daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            sample.process.terminate()
            raise AssertionError("late:\n" + "\n".join(sample.printed)) from None
        if line is None:
            raise AssertionError(f"ended with {sample.process.wait(10)}:\n" + "\n".join(sample.printed))
        if line == last:
            return


def _pump(sample: Sample, lines: queue.Queue[str | None]) -> None:
    if sample.process.stdout is None:
        raise AssertionError("the process was started without a pipe")
    for line in sample.process.stdout:
        sample.printed.append(line.rstrip("\n"))
        lines.put(line.rstrip("\n"))
    lines.put(None)
