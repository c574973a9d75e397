"""What a migration says when it can't be done."""

from collections.abc import Sequence


class MigrationError(Exception):
    """A migration that was not done; nothing of it stays. The message is for whoever runs the command."""


class DestructiveChangeError(MigrationError):
    """Statements that lose data, without leave to.

    Args:
        losses: each loss in words, such as `drops column public.flight.origin`.

    """

    def __init__(self, losses: Sequence[str]) -> None:
        listed = "".join(f"\n  {loss}" for loss in losses)
        super().__init__(
            f"refused, nothing was changed: data would be lost (--allow-destructive permits it){listed}"
        )
        self.losses = tuple(losses)
