"""Ways of finding rows: by words, by likeness of texts, by nearness of vectors. They name columns."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import Enum

MAX_EF_SEARCH = 1000
"""The most candidates that a search by an HNSW index may keep."""


class Distance(Enum):
    """What is near; values are pgvector's operators."""

    COSINE = "<=>"
    L2 = "<->"
    INNER_PRODUCT = "<#>"


@dataclass(frozen=True, slots=True)
class Words:
    """Columns whose words rows are found by.

    Args:
        weights: the columns, each with PostgreSQL's letter for its weight.
        language: the text search configuration.
        column: of the table, which holds the words and their places (`tsvector`).

    """

    weights: tuple[tuple[str, str], ...]
    language: str
    column: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns whose words they are."""
        return tuple(column for column, _ in self.weights)


@dataclass(frozen=True, slots=True)
class Likeness:
    """A column whose texts are compared.

    Args:
        column: the column.
        indexed: whether pg_trgm compares them, by an index; else the gateway's statement does, of every row.
        parts: whether the likest part of a text counts, and not the whole.
        threshold: how alike rows have to be.

    """

    column: str
    indexed: bool
    parts: bool
    threshold: float


@dataclass(frozen=True, slots=True)
class Vectors:
    """A column of vectors.

    Args:
        column: the column.
        dimensions: how many numbers each has.
        distance: what is near.
        indexed: whether an index finds the nearest.
        ef_search: how many candidates that keeps, where requests don't say; 0 for what the database says.

    """

    column: str
    dimensions: int
    distance: Distance
    indexed: bool
    ef_search: int = 0


@dataclass(frozen=True, slots=True)
class Search:
    """The ways of finding rows of a table."""

    words: Words | None = None
    likeness: tuple[Likeness, ...] = ()
    vectors: tuple[Vectors, ...] = ()

    def exact(self) -> "Search":
        """Return the same, but that no index finds the nearest vectors."""
        return replace(self, vectors=tuple(replace(one, indexed=False) for one in self.vectors))

    def within(self, columns: Collection[str]) -> "Search":
        """Return the ways that go by these columns alone: what is found tells of what it is found by."""
        words = self.words if self.words is not None and {*self.words.columns} <= {*columns} else None
        return Search(
            words,
            tuple(one for one in self.likeness if one.column in columns),
            tuple(one for one in self.vectors if one.column in columns),
        )
