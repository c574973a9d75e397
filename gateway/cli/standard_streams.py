"""The three standard streams of a process, which whoever starts it may have closed."""

import os
import sys

import click

_NUMBERS = (0, 1, 2)


def open_standard_streams() -> None:
    """Open the null device in the place of each standard stream that is closed.

    A socket would get its number otherwise: libuv ends a process that closes one, and what a library writes
    to standard error would go to a client, or to PostgreSQL.
    """
    for number in _NUMBERS:
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest free number, so this one
    sys.stderr = sys.stderr or open(2, "w", closefd=False, encoding="utf-8")  # noqa: SIM115 - it stays


def say(line: str) -> str:
    """Write a line to standard output; return why that couldn't be done, empty where it was.

    What comes later goes to the null device then. Else what Python has left to write at its end would give
    the process a status of its own.
    """
    try:
        click.echo(line)
    except OSError as error:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, _NUMBERS[1])
        os.close(null)
        return str(error)
    return ""
