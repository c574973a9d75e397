"""The stamp of a file: it differs once the file is written anew, or another takes its place."""

from pathlib import Path

FileStamp = tuple[int, int, int]
"""Which file it is, its size, and when it was written, in nanoseconds."""


def file_stamp(path: Path) -> FileStamp | None:
    """Return a file's stamp; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
