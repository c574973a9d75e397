"""The transports that one suite runs over: a further one is an entry here."""

import os
from collections.abc import Mapping
from zlib import crc32

from gateway.transport.face import Hosting
from gateway.transport.server import GrpcServer

HOSTS: Mapping[str, Hosting] = {"grpcio": GrpcServer}
"""What serves in the tests' own process, unless it is asked to be apart."""
TRANSPORTS = (*HOSTS, "envoy")
"""All of them: what is not a host here is a process of its own."""
CHOSEN = os.environ.get("ROWGATE_TEST_TRANSPORT")
"""What carries the calls of every test that leaves it open; by default they take turns."""


def turn(module: str) -> str:
    """Return what carries a module's calls, which mean the same over each: always the same for one module."""
    hosts = sorted(HOSTS)
    return CHOSEN or hosts[crc32(module.encode()) % len(hosts)]
