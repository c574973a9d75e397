"""Rows with those that they hold by relations: messages → what is to be written, before any statement."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, Generic, NamedTuple, TypeVar

from google.protobuf.message import Message

from gateway.errors import InvalidArgument
from gateway.request.etag import row_expectation
from gateway.request.keys import Key, below, encode_value
from gateway.request.masks import MAX_DEPTH, Mask, Related, RelationMask, written_fields
from gateway.request.rows import (
    Values,
    check_row_count,
    masked_values,
    new_row_reader,
    not_allowed,
    refuse_unknown,
    too_many_rows,
    unwritable_fields,
)
from gateway.request.unreadable import erased_reader, is_set, refuse_erasing
from gateway.request.validation import broken_rules, concerns_tree, rules_of
from gateway.schema.model import Field, Relation, Resource

MAX_HELD = 10_000
"""The most rows that the rows of one request hold, at all levels together."""

T = TypeVar("T", "NewRow", "RowEdit")


@dataclass(frozen=True, slots=True)
class Held(Generic[T]):
    """The rows that one row holds by one relation.

    Args:
        relation: the relation.
        path: its proto path.
        rows: the rows, as they were sent.

    """

    relation: Relation
    path: str
    rows: Sequence[T]


@dataclass(frozen=True, slots=True)
class NewRow:
    """A row to insert.

    Args:
        values: driver values by column.
        path: its message's proto path.
        given: of a row that another holds: what it says itself of the columns by which it refers to that.
        held: the rows that it holds.
        expected: of a row that another holds: the version that an update says the row of its key to be at,
            which isn't stored; None for none.

    """

    values: Values
    path: str
    given: Values
    held: tuple[Held["NewRow"], ...] = ()
    expected: int | None = None


@dataclass(frozen=True, slots=True)
class RowEdit:
    """A row that another holds, of which isn't known yet whether it is stored.

    Args:
        path: its message's proto path.
        given: what it says itself of the columns by which it refers to the other.
        key: its key without those; None where it leaves out a part: then it isn't stored, unless it is
            the one row of a relation, which goes by another key.
        values: what the columns of a stored row become.
        defaults: the columns of a stored row that take their default.
        expected: the version that a stored row must be at; None for any.
        held: the rows that a stored row holds, as far as they are written.
        new: returns what is inserted where none is stored; raises InvalidArgument and PermissionDenied.

    """

    path: str
    given: Values
    key: Key | None
    values: Values
    defaults: tuple[str, ...]
    expected: int | None
    held: tuple[Held["RowEdit"], ...]
    new: Callable[[], NewRow]


def check_held_count(held: Sequence[Held[Any]], path: str) -> None:
    """Raise InvalidArgument (reason TOO_MANY_ROWS) for more rows than a request may hold.

    Args:
        held: the rows.
        path: the proto path of the row that holds them, or of the first of a batch.

    """
    if sum(map(_count, held)) > MAX_HELD:
        raise too_many_rows(path.partition("[")[0], MAX_HELD)


def _count(held: Held[Any]) -> int:
    return len(held.rows) + sum(_count(one) for row in held.rows for one in row.held)


RelationFields = Sequence[tuple[str, bool]]
"""The fields of a message that are relations: their names, and whether they are repeated."""


def relation_fields(resource: Resource) -> RelationFields:
    """Return the fields of a resource that are relations, also those that its callers don't know."""
    fields = resource.message.fields_by_name
    return [(name, bool(fields[name].is_repeated)) for name in resource.relation_names]


def held_relations(message: Message, fields: RelationFields) -> Iterator[str]:
    """Yield the names of the relations by which a message holds rows."""
    for name, is_many in fields:
        if getattr(message, name) if is_many else message.HasField(name):
            yield name


class TreeReader:
    """Reads the rows of one resource, and those that they hold by relations that are written.

    Args:
        resource: what the rows are.
        related: the resources that its relations lead to.

    """

    def __init__(self, resource: Resource, related: Related) -> None:
        self._own = _Reached(_Rows(resource, ()), 0)
        self._related = related
        self._others: dict[Relation, _Rows] = {}

    def new(self, message: Message, path: str) -> NewRow:
        """Return a new row; raises InvalidArgument for what it can't be, or holds and can't be written."""
        return self._new(self._own, message, path, expects=False)

    def missing(self, message: Message, path: str) -> NewRow:
        """Return the row that is created where an update finds none; raises InvalidArgument as `new` does."""
        return self._new(self._own, message, path, expects=True)

    def edits(self, message: Message, path: str, masks: Sequence[RelationMask]) -> tuple[Held[RowEdit], ...]:
        """Return what an update writes of the rows that a row holds, of the relations that its mask names."""
        return self._edits(message, path, masks, 0)

    def _new(self, reached: "_Reached", message: Message, path: str, *, expects: bool) -> NewRow:
        """Return a new row; `expects` says whether it may be meant to be stored, at a version."""
        rows, expected = reached.rows, None
        if reached.depth:
            for name in unwritable_fields(message, rows.resource.unwritable):
                raise not_allowed(below(path, name))
            # A row that leaves out its key, or a part of it, is none that is stored.
            if expects and rows.key(message, path, is_many=reached.is_many) is not None:
                expected = rows.expected(message, path)
        values = rows.read(message, path)
        held = tuple(self._held_by_new(reached, message, path, expects=expects)) if rows.relations else ()
        return NewRow(values, path, rows.given(message, path), held, expected)

    def _held_by_new(
        self, reached: "_Reached", message: Message, path: str, *, expects: bool
    ) -> Iterator[Held[NewRow]]:
        rows = reached.rows
        for name in held_relations(message, rows.relations):
            relation, place = rows.resource.relation_by_name.get(name), below(path, name)
            if relation is None or not relation.is_created:
                raise not_written(place)
            others = self._reached(relation, place, reached.depth)
            sent = _sent(relation, message, place)
            yield Held(relation, place, [self._new(others, one, at, expects=expects) for one, at in sent])

    def _edits(
        self, message: Message, path: str, masks: Sequence[RelationMask], depth: int
    ) -> tuple[Held[RowEdit], ...]:
        held = []
        for one in masks:
            relation, place = one.relation, below(path, one.relation.name)
            others = self._reached(relation, place, depth)
            sent = _sent(relation, message, place)
            held.append(Held(relation, place, [self._edit(others, row, at, one.mask) for row, at in sent]))
        return tuple(held)

    def _edit(self, reached: "_Reached", message: Message, path: str, mask: Mask) -> RowEdit:
        rows = reached.rows
        values, defaults = rows.changed(message, path, mask, reached.depth)
        return RowEdit(
            path=path,
            given=rows.given(message, path),
            key=rows.key(message, path, is_many=reached.is_many),
            values=values,
            defaults=defaults,
            expected=rows.expected(message, path),
            held=self._edits(message, path, mask.relations, reached.depth),
            new=partial(self._found_new, reached, message, path),
        )

    def _found_new(self, reached: "_Reached", message: Message, path: str) -> NewRow:
        """Return a row that turned out to be new; its rules were looked at for what the mask names alone."""
        rows = reached.rows
        broken = rows.rules.broken(message, path) if rows.rules is not None else ()
        references = [field.column for field in rows.references]
        held = [one for one in broken if concerns_tree(rows.resource, self._related, one.fields, references)]
        if held:
            raise broken_rules(held)
        return self._new(reached, message, path, expects=True)

    def _reached(self, relation: Relation, path: str, depth: int) -> "_Reached":
        """Return what reads the rows of a relation; raises InvalidArgument where it is too deep."""
        if depth == MAX_DEPTH:
            text = f"is below {MAX_DEPTH} relations: rows are written through no more"
            raise InvalidArgument.field(path, text, reason="RELATIONS_TOO_DEEP")
        rows = self._others.get(relation)
        if rows is None:
            rows = self._others[relation] = _Rows(self._related[relation.target], relation.references)
        if any(not field.writable for field in rows.references):  # so for some callers
            raise not_allowed(path)
        return _Reached(rows, depth + 1, relation.is_many)


class _Rows:
    """Reads rows of one resource.

    Args:
        resource: what they are.
        references: the columns by which they refer to the row that holds them.

    """

    def __init__(self, resource: Resource, references: Sequence[str]) -> None:
        self.resource = resource
        self.references = [resource.by_column[column] for column in references]
        self.read = new_row_reader(resource, self.references)
        self.expected = row_expectation(resource) or _no_version
        self.rules = rules_of(resource.message)
        self.relations = relation_fields(resource)

    @cached_property
    def _erased(self) -> Any:
        return erased_reader(self.resource)

    def changed(self, message: Message, path: str, mask: Mask, depth: int) -> tuple[Values, tuple[str, ...]]:
        """Return what the columns of a stored row become, and which take their default.

        Those by which it refers to the row that holds it stay. `depth` is how many relations lead to it.
        """
        resource = self.resource
        if mask.fields == resource.fields:
            refuse_unknown(message, path)
        else:
            self._check_writable(mask.fields, path.split(".")[-depth:])
        wanted = written_fields(resource, mask, message)
        fields = wanted.fields or (resource.changed_by if wanted.relations else ())
        wanted = replace(wanted, fields=tuple(field for field in fields if field not in self.references))
        erased = self._erased(message, "") if self._erased is not None else ()
        refuse_erasing((field.name for field in wanted.fields if field.name in erased), path)
        return masked_values(wanted, message, path, "update_mask")

    def _check_writable(self, fields: Sequence[Field], steps: Sequence[str]) -> None:
        for field in fields:
            if field.name in self.resource.unwritable:
                way = [f"{step.partition('[')[0]}.*" if step.endswith("]") else step for step in steps]
                raise not_allowed("update_mask", named=".".join([*way, field.name]))

    def key(self, message: Message, path: str, *, is_many: bool) -> Key | None:
        """Return what a row says of its key, beside what it refers by; None where it leaves a part out.

        One of many may have a key that is a zero.
        """
        key = {}
        for field in self.resource.key_fields:
            if field in self.references:
                continue
            may_be_zero = is_many and not (field.has_presence or field.zero_is_default)
            if not may_be_zero and not is_set(message, field):
                return None
            key[field.column] = encode_value(field, getattr(message, field.name), below(path, field.name))
        return key

    def given(self, message: Message, path: str) -> Values:
        """Return the driver values of the columns by which a row says itself that it refers."""
        return {
            field.column: encode_value(field, getattr(message, field.name), below(path, field.name))
            for field in self.references
            if is_set(message, field)
        }


def _no_version(_: Message, __: str) -> None:
    """Return that a row of a table without versions is expected at none."""


class _Reached(NamedTuple):
    """What reads rows, how many relations lead to them, and whether the last is of many."""

    rows: _Rows
    depth: int
    is_many: bool = False


def _sent(relation: Relation, message: Message, path: str) -> Iterator[tuple[Message, str]]:
    """Yield the rows that a message holds by a relation, with their paths; raises InvalidArgument."""
    if not relation.is_many:
        if message.HasField(relation.name):
            yield getattr(message, relation.name), path
        return
    for i, one in enumerate(check_row_count(getattr(message, relation.name), path, relation.limit)):
        yield one, f"{path}[{i}]"


def not_written(path: str) -> InvalidArgument:
    """Return the error of a row that is sent with others, which aren't written with it."""
    text = "is a relation that isn't written with its row: leave it out"
    return InvalidArgument.field(path, text, reason="RELATION_NOT_WRITTEN")
