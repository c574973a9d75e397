"""One statement of a migration."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """A statement, and what it destroys.

    Args:
        sql: one statement, without a semicolon.
        destroys: in words what is lost or may be lost, such as `drops column public.flight.origin`; empty
            where nothing is.
        alone: whether it has to be committed before its effect can be used: a new enum label.

    """

    sql: str
    destroys: str = ""
    alone: bool = False
