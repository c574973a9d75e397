"""The transports that one suite runs over: all that there are."""

import os
from zlib import crc32

from gateway.cli.servers import SERVERS

TRANSPORTS = tuple(SERVERS)
"""All of them. They serve in the tests' own process, unless a test wants one of its own."""
CHOSEN = os.environ.get("ROWGATE_TEST_TRANSPORT")
"""What carries the calls of every test that leaves it open; by default they take turns."""
_TURNS = sorted(SERVERS)


def turn(module: str) -> str:
    """Return what carries a module's calls, which mean the same over each: always the same for one module."""
    return CHOSEN or _TURNS[crc32(module.encode()) % len(_TURNS)]
