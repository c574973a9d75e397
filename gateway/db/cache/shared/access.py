"""How a process comes to the store."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from gateway.db.cache.shared.connection import StoreConnection
from gateway.db.cache.shared.sealed_rows import RowSeal


class StoreAccess(NamedTuple):
    """A way to the store.

    Args:
        name: of the store, for logs.
        connect: makes a connection to it; raises one of LOST.
        make_seal: makes the seal of one life of the store, which the argument names.

    """

    name: str
    connect: Callable[[], Awaitable[StoreConnection]]
    make_seal: Callable[[bytes], RowSeal]
