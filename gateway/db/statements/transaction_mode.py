"""Transaction modes: how isolated one is from others, and whether it may write."""

from dataclasses import dataclass
from enum import Enum


class Isolation(Enum):
    """What a transaction sees of others that are committed meanwhile; values are as SQL spells them."""

    READ_COMMITTED = "READ COMMITTED"
    REPEATABLE_READ = "REPEATABLE READ"
    SERIALIZABLE = "SERIALIZABLE"


@dataclass(frozen=True, slots=True)
class Mode:
    """How a transaction begins.

    Args:
        isolation: None for the database's own default.
        read_only: whether PostgreSQL refuses to write in it.

    """

    isolation: Isolation | None = None
    read_only: bool = False

    @property
    def begin(self) -> str:
        """The command."""
        isolation = "" if self.isolation is None else f" ISOLATION LEVEL {self.isolation.value}"
        return f"BEGIN{isolation}{' READ ONLY' if self.read_only else ''}"


USUAL = Mode()
