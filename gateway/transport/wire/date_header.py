"""The header `date` of responses, written once a second (RFC 9110, 6.6.1)."""

from collections.abc import Callable
from email.utils import formatdate
from time import time


class DateHeader:
    """The header as it is now.

    Args:
        write: writes it, of its value.

    """

    def __init__(self, write: Callable[[bytes], bytes]) -> None:
        self._write = write
        self._second = 0
        self._written = b""

    def __call__(self) -> bytes:
        """Return it, written."""
        second = int(time())
        if second != self._second:
            self._second = second
            self._written = self._write(formatdate(second, usegmt=True).encode())
        return self._written
