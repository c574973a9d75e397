"""What the loader prints at the end."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of one table's rows."""

    name: str
    seconds: float
    inserted: int
    updated: int
    unchanged: int

    @property
    def rows(self) -> int:
        """All of them."""
        return self.inserted + self.updated + self.unchanged


def loaded_table(loaded: Sequence[Loaded]) -> Table:
    """Return the table of what was loaded and how fast."""
    total = Loaded("all", **{name: sum(getattr(one, name) for one in loaded) for name in _SUMMED})
    table = Table(title="Loaded through BulkUpsert", title_justify="left", show_footer=True)
    table.add_column("table", footer=total.name)
    for name, value in zip(_NUMBERS, _cells(total), strict=True):
        table.add_column(name, footer=value, justify="right")
    for one in loaded:
        table.add_row(one.name, *_cells(one))
    return table


_SUMMED = ("seconds", "inserted", "updated", "unchanged")
_NUMBERS = ("rows", "inserted", "updated", "unchanged", "seconds", "rows/s")


def _cells(one: Loaded) -> tuple[str, ...]:
    counts = (one.rows, one.inserted, one.updated, one.unchanged)
    speed = one.rows / one.seconds if one.seconds else 0.0
    return (*(f"{count:,}" for count in counts), f"{one.seconds:.2f}", f"{speed:,.0f}")
