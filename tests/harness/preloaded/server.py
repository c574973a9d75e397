"""Has imported all of `rowgate`, and forks for each command; ends when its standard input does."""

import gc
import importlib
import marshal
import os
import pkgutil
import selectors
import signal
import socket
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import gateway
from gateway.cli import main

_LAZILY = ("alembic.command", "alembic.autogenerate", "grpc_tools.protoc", "mako.template", "uvloop")


@dataclass(frozen=True, slots=True)
class Command:
    """A command to run, as whoever started it has it.

    Args:
        arguments: behind `rowgate`.
        variables: its environment.
        folder: where it runs.
        streams: its standard streams.

    """

    arguments: Sequence[str]
    variables: Mapping[str, str]
    folder: str
    streams: Sequence[int]

    @classmethod
    def of(cls, connection: socket.socket) -> "Command":
        """Receive one."""
        size, streams, _, _ = socket.recv_fds(connection, 4, 3)
        body = connection.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL)
        arguments, variables, folder = marshal.loads(body)  # noqa: S302 - of these tests' own
        return cls(arguments, variables, folder, streams)

    def begin(self) -> None:
        """Have this process be the command's."""
        for number, stream in enumerate(self.streams):
            os.dup2(stream, number)
            os.close(stream)
        os.chdir(self.folder)
        os.environ.clear()
        os.environ.update(self.variables)
        # As the console script's: its own folder, which has no modules, stands where this one's does.
        sys.path[:1] = filter(None, self.variables.get("PYTHONPATH", "").split(os.pathsep))
        sys.argv = ["rowgate", *self.arguments]


class Forks:
    """The commands that run, each with the connection of its client."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._clients: dict[int, socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._ended, ended = socket.socketpair()
        ended.setblocking(False)
        self._told = ended
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(ended.fileno())
        for readable in (listener, self._ended, sys.stdin):
            self._selector.register(readable, selectors.EVENT_READ)

    def next(self) -> Command | None:
        """Return a command in the process that is to run it, and None in this one at its end."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is sys.stdin:
                    return None
                if key.fileobj is self._ended:
                    self._ended.recv(4096)
                    self._reap()
                elif key.fileobj is not self._listener:
                    self._abandon(key.data)
                elif command := self._fork():
                    return command

    def _fork(self) -> Command | None:
        connection, _ = self._listener.accept()
        command = Command.of(connection)
        process = os.fork()
        if not process:
            self._leave(connection)
            return command
        for stream in command.streams:
            os.close(stream)
        self._clients[process] = connection
        self._selector.register(connection, selectors.EVENT_READ, process)
        _tell(connection, process)
        return None

    def _leave(self, connection: socket.socket) -> None:
        """Close in a command's process what this one has open."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._selector.close()
        for one in (self._listener, self._ended, self._told, connection, *self._clients.values()):
            one.close()

    def _reap(self) -> None:
        for process in list(self._clients):
            found, status = os.waitpid(process, os.WNOHANG)
            if found:
                client = self._clients.pop(process)
                self._selector.unregister(client)
                _tell(client, os.waitstatus_to_exitcode(status))
                client.close()

    @staticmethod
    def _abandon(process: int) -> None:
        """Kill a command whose client was killed."""
        os.kill(process, signal.SIGKILL)


def _tell(client: socket.socket, number: int) -> None:
    try:
        client.sendall(number.to_bytes(4, "big", signed=True))
    except BrokenPipeError:
        return


def _import_all() -> None:
    for name in (*_LAZILY, *(one.name for one in pkgutil.walk_packages(gateway.__path__, "gateway."))):
        if not name.endswith("__main__"):
            importlib.import_module(name)
    assert threading.active_count() == 1, "forks have but this thread"
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    _import_all()
    with socket.socket(fileno=int(sys.argv[1])) as listener:
        asked = Forks(listener).next()
    if asked is not None:
        asked.begin()
        main(prog_name="rowgate")
