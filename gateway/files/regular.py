"""The bytes of a small regular file, whatever has taken its place."""

import os
import stat
from pathlib import Path


def read_regular(path: Path, most: int) -> bytes:
    """Return a file's bytes.

    Args:
        path: the file, or a link to it.
        most: bytes that it may have.

    Raises OSError, also for what is no regular file, or too long. The open of a FIFO that nobody writes to
    doesn't return: so it is opened without waiting, and looked at before it is read.

    """
    with open(path, "rb", opener=_open_regular) as file:
        text: bytes = file.read(most + 1)
    if len(text) > most:
        raise OSError(f"has more than {most} bytes")
    return text


def _open_regular(path: str, flags: int) -> int:
    descriptor = os.open(path, flags | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError("is no regular file")
    return descriptor
