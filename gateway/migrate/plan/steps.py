"""The steps of a migration."""

from dataclasses import dataclass

from gateway.introspect import Difference


@dataclass(frozen=True, slots=True)
class Step:
    """A statement, why it is needed, and what it destroys.

    Args:
        sql: one statement, without a semicolon.
        reason: in words what differs, such as `column public.flight.gate is missing`.
        destroys: in words what is lost or may be lost, such as `drops column public.flight.origin`; empty
            where nothing is.
        alone: whether it has to be committed before its effect can be used: a new enum label.

    """

    sql: str
    reason: str
    destroys: str = ""
    alone: bool = False

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

    """

    steps: tuple[Step, ...]
    left: tuple[Difference, ...] = ()
