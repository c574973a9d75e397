"""Stands for a `rowgate` command that a process forks: hands it on, passes signals on, ends as it does.

Modules that are part of Python's program alone are imported: this is all that a command's start costs.
"""

import marshal
import os
import sys
from _signal import SIG_DFL, SIGHUP, SIGINT, SIGKILL, SIGTERM, SIGUSR1, signal  # type: ignore[import-not-found]
from _socket import AF_UNIX, SCM_RIGHTS, SOCK_STREAM, SOL_SOCKET, socket

_STREAMS = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1, 2))


def main(path: str, *arguments: str) -> None:
    """Run a command by the process that listens at a socket, and end with its status."""
    told: list[int] = []
    process: list[int] = []

    def pass_on(number: int, _frame: object) -> None:
        # Before the command has begun, the signal waits for it.
        if process:
            os.kill(process[0], number)
        else:
            told.append(number)

    for number in (SIGTERM, SIGINT, SIGHUP, SIGUSR1):
        signal(number, pass_on)
    connection = socket(AF_UNIX, SOCK_STREAM)
    connection.connect(path)
    command = marshal.dumps((arguments, dict(os.environ), os.getcwd()))  # noqa: PTH109 - pathlib takes its time
    connection.sendmsg([len(command).to_bytes(4, "big")], [(SOL_SOCKET, SCM_RIGHTS, _STREAMS)])
    connection.sendall(command)
    process.append(_number(connection))
    for number in told:
        os.kill(process[0], number)
    _end(_number(connection))


def _number(connection: socket) -> int:
    body = connection.recv(4)
    return int.from_bytes(body, "big", signed=True) if body else -SIGKILL


def _end(status: int) -> None:
    """End with an exit status, or by a signal, whose number is below 0."""
    if status < 0:
        if status != -SIGKILL:
            signal(-status, SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


main(*sys.argv[1:])
