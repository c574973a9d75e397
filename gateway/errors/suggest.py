"""The name that a caller may have meant."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean "x"?` for the known name closest to `name`, or nothing where none is close."""
    close = get_close_matches(name[:64], list(known), n=1)
    return f'; did you mean "{close[0]}"?' if close else ""
