"""A Redis of a test's own: its process, and a look into it."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from hiredis import Reader, ReplyError, pack_command

from tests.harness.sample import free_port

_SECONDS = 10.0


@dataclass(slots=True)
class Store:
    """A Redis, which is ended, frozen and started again.

    Args:
        program: what runs it.
        folder: where it dumps.
        options: of its configuration, beside those of all.
        port: where it listens, on this machine alone.

    """

    program: str
    folder: Path
    options: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    _running: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        """What gateways connect to."""
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        own = {"bind": "127.0.0.1", "port": str(self.port), "dir": str(self.folder), "save": ""}
        given = {**own, "loglevel": "warning", **self.options}
        flags = [
            part
            for name, value in given.items()
            for part in (f"--{name}", *(value.split(" ") if value else [""]))
        ]
        self._running = subprocess.Popen([self.program, *flags], stdout=subprocess.DEVNULL)
        self.until_it_answers()

    def until_it_answers(self) -> None:
        """Wait until it does, though it be with an error."""
        end = monotonic() + _SECONDS
        while monotonic() < end:
            try:
                self.ask("PING")
            except OSError:
                os.sched_yield()
            except ReplyError:
                return
            else:
                return
        raise TimeoutError("Redis doesn't answer")

    def end(self, by: signal.Signals = signal.SIGKILL) -> None:
        """End it."""
        running, self._running = self._running, None
        if running is not None:
            running.send_signal(signal.SIGCONT)
            running.send_signal(by)
            running.wait(_SECONDS)

    def signal(self, what: signal.Signals) -> None:
        """Freeze it (SIGSTOP), or have it go on (SIGCONT)."""
        assert self._running is not None
        self._running.send_signal(what)

    def ask(self, *command: bytes | str | int) -> Any:
        """Return what it answers; raises ReplyError for an error, and OSError where it doesn't answer."""
        pack: Any = pack_command
        with socket.create_connection(("127.0.0.1", self.port), _SECONDS) as connection:
            connection.sendall(pack(command))
            reader = Reader(notEnoughData=...)
            while (reply := reader.gets()) is ...:
                data = connection.recv(1 << 16)
                if not data:
                    raise ConnectionResetError
                reader.feed(data)
        if isinstance(reply, ReplyError):
            raise reply
        return reply

    def rows(self) -> Mapping[bytes, Mapping[bytes, bytes]]:
        """Return the rows that it keeps, by their keys: of each its fields."""
        found = {}
        for key in self.ask("KEYS", "*"):
            flat = self.ask("HGETALL", key)
            kept = {name: value for name, value in zip(flat[::2], flat[1::2], strict=True) if len(name) > 1}
            if kept:
                found[key] = kept
        return found


@contextmanager
def a_store(folder: Path, **options: str) -> Iterator[Store]:
    """Run a Redis, or else a Valkey; skips the test where there is neither.

    Args:
        folder: a folder of its own.
        options: of its configuration.

    """
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        pytest.skip("neither Redis nor Valkey is installed")
    store = Store(program, folder, {name.replace("_", "-"): value for name, value in options.items()})
    store.start()
    try:
        yield store
    finally:
        store.end()
