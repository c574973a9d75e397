"""The steps of a migration."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import groupby

from gateway.introspect import Difference
from gateway.introspect.tables.table_records import Name
from gateway.migrate.plan.record import Recorded


class Run(Enum):
    """In which transaction a step runs."""

    COMMITTED = "committed for itself"
    """A new enum label: it can be used only then."""
    TOGETHER = "with the steps beside it"
    OUTSIDE = "outside of any transaction"
    """CREATE INDEX CONCURRENTLY, which waits for whoever writes instead of making them wait."""
    BATCHES = "outside of any transaction, and in many of its own"
    """Rows are filled, a few pages at a time."""
    AFTERWARDS = "once those before it are committed"
    """VALIDATE CONSTRAINT: it reads all rows, and no lock of the steps before it may be held meanwhile."""

    @property
    def is_alone(self) -> bool:
        """Whether each of such steps is committed for itself."""
        return self in (Run.COMMITTED, Run.OUTSIDE, Run.BATCHES)


@dataclass(frozen=True, slots=True)
class Step:
    """A statement, why it is needed, and what it destroys.

    Args:
        sql: one statement, without a semicolon.
        reason: in words what differs, such as `column public.flight.gate is missing`.
        destroys: in words what is lost or may be lost, such as `drops column public.flight.origin`; empty
            where nothing is.
        breaks: in words what gateways of the schema from before it fail on, such as `renames column
            public.flight.gate to stand`; empty where they go on.
        run: in which transaction it runs.
        index: the table and name of the index that it builds outside of transactions.
        repeats: whether it is run in several transactions.
        proof: the statement, behind one that runs in batches, that proves that no row is left.

    """

    sql: str
    reason: str
    destroys: str = ""
    breaks: str = ""
    run: Run = Run.TOGETHER
    index: tuple[Name, str] | None = None
    proof: str = ""
    repeats: bool = False

    @property
    def line(self) -> str:
        """The reason on one line, as a comment of SQL or Python takes it."""
        return " ".join(self.reason.split())

    def __str__(self) -> str:
        return f"-- {self.line}\n{self.sql};"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a migration does, and what it leaves.

    Args:
        steps: its statements, in order.
        left: what differs from the schema, harmlessly, and stays: Rowgate didn't make it.
        numbers: the numbers of fields, as columns are recorded with them from here on.
        unknown: columns that go, and may be those of renamed fields, with what to do then.
        notes: what else to look at before it is run.

    """

    steps: tuple[Step, ...]
    left: tuple[Difference, ...] = ()
    numbers: Mapping[Recorded, int] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def groups(steps: Sequence[Step]) -> Iterator[tuple[Step, ...]]:
    """Yield what is committed together; a step outside of transactions is for itself."""
    for run, together in groupby(steps, key=lambda step: step.run):
        if run.is_alone:
            yield from ((step,) for step in together)
        else:
            yield tuple(together)
