"""Errors of migrations."""

from collections.abc import Sequence

from gateway.introspect import Change, Difference, Kind


class MigrationError(Exception):
    """A migration that was not done; nothing of it stays. The message is for whoever runs the command."""


class DestructiveChangeError(MigrationError):
    """Statements that lose data or constraints, without leave to.

    Args:
        losses: each loss in words, such as `drops column public.flight.origin`.
        ways: what to do where a loss may not be meant.

    """

    def __init__(self, losses: Sequence[str], ways: Sequence[str] = ()) -> None:
        listed = "".join(f"\n  {loss}" for loss in losses)
        super().__init__(
            "refused, nothing was changed: data or constraints would be lost "
            f"(--allow-destructive permits it){listed}" + "".join(f"\n{way}" for way in ways)
        )
        self.losses = tuple(losses)


class NotOursError(MigrationError):
    """The database differs from the schema in what no migration of Rowgate's made, or somebody changed since.

    Args:
        differences: each of them.

    """

    def __init__(self, differences: Sequence[Difference]) -> None:
        listed = "".join(f"\n  {difference}" for difference in differences)
        changeable = {str(d.table) for d in differences if d.table and _is_changeable(d)}
        flags = " ".join(f"--adopt {name}" for name in sorted(changeable))
        super().__init__(
            "refused, nothing was changed: what Rowgate didn't make is not as the schema says:"
            f"{listed}\n"
            "let the schema say what the database has"
            + (f", or let Rowgate change it: {flags}" if flags else "")
        )
        self.differences = tuple(differences)


def _is_changeable(difference: Difference) -> bool:
    """Return whether an adoption helps: no column that nobody named is dropped, nor a view or a child.

    Nor is a table divided or distributed: it is made so, or never.
    """
    never = (Kind.TABLE, Kind.CHILDREN, Kind.PARTITIONED, Kind.DISTRIBUTION)
    return difference.change is not Change.IN_THE_WAY and difference.kind not in never
