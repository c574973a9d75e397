"""Changes as gateways tell each other of them, sealed."""

import os
from collections.abc import Hashable
from typing import NamedTuple

from gateway.db.cache.shared.sealed_rows import Place, RowSeal, Sealed
from gateway.db.cache.shared.values import pack, unpack
from gateway.request.calls.log_position import UNTOLD, LogPosition


class ToldChange(NamedTuple):
    """A change that another process has told of.

    Args:
        table: its table.
        row: the row's identity; None where any may have changed.
        position: of the log after it; None where that isn't known.

    """

    table: str
    row: Hashable
    position: LogPosition | None


class ToldChanges:
    """Writes and reads them. A process doesn't read its own."""

    def __init__(self) -> None:
        self._own = os.urandom(8).hex()

    def write(self, seal: RowSeal, change: ToldChange) -> bytes:
        """Return a change as it is told; its row has to be one that can be packed."""
        values = pack((self._own, change.table, change.row))
        assert values is not None  # noqa: S101 - the row has a place in the store
        return seal.seal(_place(seal), Sealed(0, change.position or UNTOLD, values))

    def read(self, seal: RowSeal, message: bytes) -> ToldChange | None:
        """Return what was told; None of what no other gateway has written."""
        sealed = seal.open(_place(seal), message)
        if sealed is None:
            return None
        teller, table, row = unpack(sealed.values)
        if teller == self._own:
            return None
        return ToldChange(table, row, None if sealed.position == UNTOLD else sealed.position)


def _place(seal: RowSeal) -> Place:
    return Place(seal.channel, b"", b"")
