"""Searches: the parts of a request → what its statement is made of, and the values that are bound."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from google.protobuf.message import Message
from rowgate.v1.search_pb2 import SearchLike, SearchNear, SearchWords

from gateway.errors import InvalidArgument
from gateway.errors.suggest import did_you_mean
from gateway.request.keys import below, encode_value
from gateway.schema.search.ways import MAX_EF_SEARCH, Distance, Likeness, Vectors, Words
from gateway.schema.services.searches import SearchMethod
from gateway.schema.types.sql_types import SqlType
from gateway.schema.types.texts import text
from gateway.schema.values import InvalidValueError

MAX_TEXT = 1000
"""The most characters of a text that is searched for."""
MAX_WEIGHT = 1000.0
MAX_HIGHLIGHTED = 8
"""The most fields that are highlighted in one request."""

QUERY, THRESHOLD, MAX_DISTANCE = "search query", "search threshold", "search max_distance"
"""The parameters' names of a part's value and of the limit that some have; part by part (`bound_name`)."""
WEIGHT = "search weight"
EF_SEARCH = "search ef_search"
"""The parameter's name of how many candidates an index keeps, as text; NULL for what the database says."""

_TEXT = text(SqlType("text"))


def bound_name(part: str, name: str) -> str:
    """Return the parameter's name of a part's value."""
    return f"{name} of {part}"


@dataclass(frozen=True, slots=True)
class WordsPart:
    """Words that are searched for.

    Args:
        way: where.
        highlight: the columns whose texts are shown around them.

    """

    way: Words
    highlight: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LikePart:
    """A text that is searched for."""

    way: Likeness


@dataclass(frozen=True, slots=True)
class NearPart:
    """A vector that is searched for.

    Args:
        way: where.
        exact: whether none of the nearest may be missing.
        bounded: whether others than the nearest are too far.

    """

    way: Vectors
    exact: bool
    bounded: bool


Part = WordsPart | LikePart | NearPart
Parts = tuple[tuple[str, Part], ...]
"""What a request searches for, by the parts' names: those of one shape share a statement."""
Values = Mapping[str, Any]


class _OfColumn(Protocol):
    @property
    def column(self) -> str:
        """The column that it goes by."""


_Way = TypeVar("_Way", bound=_OfColumn)


class SearchedParts:
    """Reads what requests of one method search for.

    Args:
        method: the method: of columns that its callers may not read it has no ways.
        hides_rows: whether some rows may be hidden: an index of vectors counts them, too, when it gives up.

    """

    def __init__(self, method: SearchMethod, *, hides_rows: bool) -> None:
        self._fields = method.resource.askable.by_column
        search = method.search.exact() if hides_rows else method.search
        self._search = search.within(self._fields)
        self._names = {part: method.request[part].name for part in _READERS if part in method.request}

    def __call__(self, request: Message) -> tuple[Parts, Values]:
        """Return the parts and the values that are bound for them; raises InvalidArgument."""
        parts: list[tuple[str, Part]] = []
        values: dict[str, Any] = {}
        for part, name in self._names.items():
            if request.HasField(name):
                asked = getattr(request, name)
                shape, bound = _READERS[part](self, asked, name)
                parts.append((part, shape))
                weight = _weight(asked.weight, below(name, "weight"))
                values |= {bound_name(part, WEIGHT): weight}
                values |= {bound_name(part, key): value for key, value in bound.items()}
        if not parts:
            names = ", ".join(self._names.values())
            path = next(iter(self._names.values()))
            raise InvalidArgument.field(
                path, f"nothing is searched for: set one of {names}", reason="NO_SEARCH"
            )
        return tuple(parts), values

    def words(self, asked: SearchWords, path: str) -> tuple[Part, Values]:
        """Return what is searched for by words."""
        way = self._search.words
        if way is None:
            raise _not_there(path)
        query = _text(asked.query, below(path, "query"))
        names = {self._fields[column].name: column for column in way.columns}
        highlight = tuple(_highlighted(asked.highlight, names, below(path, "highlight")))
        return WordsPart(way, highlight), {QUERY: query}

    def like(self, asked: SearchLike, path: str) -> tuple[Part, Values]:
        """Return what is searched for by likeness."""
        way = self._way(self._search.likeness, asked.field, path)
        threshold = asked.threshold if asked.HasField("threshold") else way.threshold
        if not 0 < threshold <= 1:
            wrong = "must be above 0, and at most 1"
            raise InvalidArgument.field(below(path, "threshold"), wrong, reason="INVALID_THRESHOLD")
        query = _text(asked.text, below(path, "text"))
        return LikePart(way), {QUERY: query, THRESHOLD: threshold}

    def near(self, asked: SearchNear, path: str) -> tuple[Part, Values]:
        """Return what is searched for by nearness."""
        way = self._way(self._search.vectors, asked.field, path)
        place = below(path, "vector")
        vector = encode_value(self._fields[way.column], asked.vector, place)
        if way.distance is Distance.COSINE and not any(asked.vector):
            wrong = "holds zeros alone, which is no direction"
            raise InvalidArgument.field(place, wrong, reason="ZERO_VECTOR")
        kept = _ef_search(asked.ef_search, below(path, "ef_search")) or way.ef_search
        values = {QUERY: vector, EF_SEARCH: str(kept) if kept else None}
        bounded = asked.HasField("max_distance")
        if bounded:
            values[MAX_DISTANCE] = _number(asked.max_distance, below(path, "max_distance"))
        return NearPart(way, asked.exact or not way.indexed, bounded), values

    def _way(self, ways: Sequence[_Way], name: str, path: str) -> _Way:
        """Return the way by the field of that name, or the only one there is."""
        if not ways:
            raise _not_there(path)
        named = {self._fields[way.column].name: way for way in ways}
        if not name and len(ways) == 1:
            return ways[0]
        if name not in named:
            known = f": known are {', '.join(named)}"
            wrong = f'"{name[:64]}" is none of its fields{did_you_mean(name, named) or known}' if name else ""
            place = below(path, "field")
            raise InvalidArgument.field(
                place, wrong or f"has to be set{known}", reason="INVALID_SEARCH_FIELD"
            )
        return named[name]


_READERS: Mapping[str, Callable[[SearchedParts, Any, str], tuple[Part, Values]]] = {
    "words": SearchedParts.words,
    "like": SearchedParts.like,
    "near": SearchedParts.near,
    "also_near": SearchedParts.near,
}


def _not_there(path: str) -> InvalidArgument:
    wrong = "rows aren't found by this: what it goes by isn't there"
    return InvalidArgument.field(path, wrong, reason="NOT_SEARCHABLE")


def _text(given: str, path: str) -> str:
    if not given.strip():
        raise InvalidArgument.field(path, "is empty", reason="NO_SEARCH")
    if len(given) > MAX_TEXT:
        wrong = f"has {len(given)} characters, {MAX_TEXT} are allowed"
        raise InvalidArgument.field(path, wrong, reason="TOO_LONG")
    try:
        return str(_TEXT.encode(given)) if _TEXT.encode is not None else given
    except InvalidValueError as error:
        raise InvalidArgument.field(path, error.description, reason=error.reason) from error


def _weight(given: float, path: str) -> float:
    if not 0 <= given <= MAX_WEIGHT:
        wrong = f"must be above 0, and at most {MAX_WEIGHT:g}"
        raise InvalidArgument.field(path, wrong, reason="INVALID_WEIGHT")
    return given or 1.0


def _ef_search(given: int, path: str) -> int:
    if not 0 <= given <= MAX_EF_SEARCH:
        wrong = f"must be from 1 to {MAX_EF_SEARCH}"
        raise InvalidArgument.field(path, wrong, reason="INVALID_EF_SEARCH")
    return given


def _number(given: float, path: str) -> float:
    if math.isnan(given):
        raise InvalidArgument.field(path, "is no number", reason="NOT_FINITE")
    return given


def _highlighted(given: Sequence[str], names: Mapping[str, str], path: str) -> Iterator[str]:
    if len(given) > MAX_HIGHLIGHTED:
        raise InvalidArgument.field(
            path, f"names {len(given)} fields, {MAX_HIGHLIGHTED} are allowed", reason="TOO_MANY_FIELDS"
        )
    for i, name in enumerate(given):
        if name not in names:
            hint = did_you_mean(name, names) or f": known are {', '.join(names)}"
            wrong = f'"{name[:64]}" has no words that are found{hint}'
            raise InvalidArgument.field(f"{path}[{i}]", wrong, reason="INVALID_SEARCH_FIELD")
        if name not in given[:i]:
            yield names[name]
