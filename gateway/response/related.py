"""What relations hold, as values of a row: the columns of another row become one value."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any

from sqlalchemy.types import NullType

from gateway.request.masks import Mask
from gateway.request.paths import Steps
from gateway.response.rows import row_arguments
from gateway.response.shape import Row, RowShape
from gateway.schema.model import Field, Relation
from gateway.schema.values import ValueKind, ValueType


@dataclass(frozen=True, slots=True)
class RelatedShape:
    """What a statement's rows have of one relation.

    Args:
        relation: the relation.
        shape: of its rows.
        related: what these have of relations of theirs.

    """

    relation: Relation
    shape: RowShape
    related: tuple["RelatedShape", ...] = ()

    @property
    def width(self) -> int:
        """How many columns of the row it takes."""
        return 1 if self.relation.is_many else len(self.shape.fields) + width_of(self.related)

    @property
    def key(self) -> tuple[int, ...]:
        """Which of them tell the row from others, and aren't NULL where there is one."""
        columns = [field.column for field in self.shape.fields]
        return tuple(columns.index(column) for column in self.relation.references)


def width_of(related: Sequence[RelatedShape]) -> int:
    """Return how many columns relations take."""
    return sum(one.width for one in related)


Fold = Callable[[Row], Row]


def folded(shape: RowShape, related: Sequence[RelatedShape]) -> tuple[RowShape, Fold | None]:
    """Return the shape of rows with a value for each relation, and what makes them of a statement's rows.

    Without relations they are one and the same.

    Args:
        shape: of the rows' own columns, which come first.
        related: what comes behind them.

    """
    if not related:
        return shape, None
    whole = shape.mask or Mask(tuple(shape.fields), {}, etag=shape.resource.etag is not None)
    shown, more = len(whole.fields), len(shape.fields)
    fields = tuple(_relation_field(one) for one in related)
    below = dict(whole.below)
    if any(map(_is_cut, related)):
        below |= {one.relation.name: tuple(_paths(one)) for one in related}
    mask = replace(whole, fields=(*whole.fields, *fields), below=below)
    made = RowShape(shape.resource, (*shape.fields[:shown], *fields, *shape.fields[shown:]), mask)
    places, start = [], more
    for one in related:
        places.append((start, start + one.width, None if one.relation.is_many else start + one.key[0]))
        start += one.width

    def fold(row: Row) -> Row:
        values = [
            row[start] if found is None else None if row[found] is None else row[start:end]
            for start, end, found in places
        ]
        return (*row[:shown], *values, *row[shown:more])

    return made, fold


def _relation_field(one: RelatedShape) -> Field:
    """Return what stands for a relation among the fields of rows."""
    relation = one.relation
    decode = _Rows(one) if relation.is_many else _Row(one)
    kind = ValueType(sql="record", engine=NullType(), kind=ValueKind.OTHER, decode=decode)
    name = relation.name
    return Field(
        name, f"{name} …", relation.descriptor, kind, nullable=True, has_presence=not relation.is_many
    )


class _Row:
    """Makes the arguments of a message's constructor of a joined row. Equal rows are many."""

    def __init__(self, one: RelatedShape) -> None:
        self._arguments = _arguments(one)
        self._key = itemgetter(*one.key)

    def __call__(self, row: Row) -> Mapping[str, Any]:
        return self._arguments(row)

    def column(self, rows: Sequence[Row | None]) -> list[Mapping[str, Any] | None]:
        """Return those of many rows."""
        keys = [None if row is None else self._key(row) for row in rows]
        arguments = {
            key: self._arguments(row) for key, row in dict(zip(keys, rows, strict=True)).items() if row
        }
        return [*map(arguments.get, keys)]


class _Rows:
    """Makes the arguments of messages' constructors of a list of records."""

    def __init__(self, one: RelatedShape) -> None:
        self._arguments = _arguments(one)

    def __call__(self, rows: Sequence[Row]) -> Sequence[Mapping[str, Any]]:
        return [self._arguments(row) for row in rows]


def _arguments(one: RelatedShape) -> Callable[[Row], Mapping[str, Any]]:
    shape, fold = folded(one.shape, one.related)
    arguments = row_arguments(shape)
    return arguments if fold is None else lambda row: arguments(fold(row))


def _is_cut(one: RelatedShape) -> bool:
    return one.shape.is_cut or any(map(_is_cut, one.related))


def _paths(one: RelatedShape) -> list[Steps]:
    """Return the paths below a relation's field that are shown of its rows."""
    shape, mask = one.shape, one.shape.mask
    start: Steps = ("*",) if one.relation.is_many else ()
    below = {} if mask is None else mask.below
    paths: list[Steps] = [(*start, f.name, *steps) for f in shape.shown for steps in below.get(f.name, ((),))]
    paths += [(*start, name) for name in (shape.resource.etag, shape.resource.unreadable) if name]
    return paths + [(*start, inner.relation.name, *steps) for inner in one.related for steps in _paths(inner)]
