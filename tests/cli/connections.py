"""Which process has a server's connections."""

import re
from pathlib import Path

_ESTABLISHED = "01"


def connections_of(pid: int, port: int) -> int:
    """Return how many connections to a local port a process has (proc(5): fd, net/tcp)."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    ours = {row[9] for row in rows if row[1].endswith(f":{port:04X}") and row[3] == _ESTABLISHED}
    held = (_target(one) for one in Path(f"/proc/{pid}/fd").iterdir())
    return len({inode for inode in held if inode in ours})


def _target(descriptor: Path) -> str:
    """Return the inode of a descriptor's socket; empty where it is none, or is closed by now."""
    try:
        match = re.fullmatch(r"socket:\[(\d+)\]", str(descriptor.readlink()))
    except OSError:
        return ""
    return match[1] if match else ""
