"""A finding of a rule."""

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias


class Finding(NamedTuple):
    """A broken rule: whose element it is, what is wrong, and what would be right."""

    where: str
    wrong: str
    right: str = ""


Findings: TypeAlias = Iterator[Finding]
