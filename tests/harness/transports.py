"""The transports that one suite runs over: all that there are."""

import os
from zlib import crc32

from gateway.cli.workers.hostings import HOSTINGS

TRANSPORTS = (*HOSTINGS, "envoy")
"""All of them. What has a hosting serves in the tests' own process, unless it is asked to be apart."""
CHOSEN = os.environ.get("ROWGATE_TEST_TRANSPORT")
"""What carries the calls of every test that leaves it open; by default they take turns."""
_TURNS = sorted(HOSTINGS)


def turn(module: str) -> str:
    """Return what carries a module's calls, which mean the same over each: always the same for one module."""
    return CHOSEN or _TURNS[crc32(module.encode()) % len(_TURNS)]
