"""Fields of other resources' messages → Relations: which columns they go by."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from google.protobuf.descriptor import FieldDescriptor
from rowgate.v1 import annotations_pb2

from gateway.schema.diagnostics import Diagnostics, suggestion
from gateway.schema.model import ForeignKey, Relation, RelationWrite, Resource
from gateway.schema.protos.options import is_relation, relation_options
from gateway.schema.resources.written_relations import is_unique, unfit_to_be_written
from gateway.schema.types.sql_types import are_comparable

DEFAULT_LIMIT = 100
"""The most rows of a repeated relation where the schema doesn't say."""
MAX_LIMIT = 1000
"""The most rows that a schema may say."""
_AS_DOCUMENT = 'or (rowgate.v1.column).type: "jsonb" to store it as a document'

Options = annotations_pb2.RelationOptions
_WRITES = {Options.Write.Value(one.value): one for one in RelationWrite if one is not RelationWrite.NEVER}


class Columns(NamedTuple):
    """What two tables are compared by, in order: columns of the one's, and of the other's."""

    own: tuple[str, ...]
    others: tuple[str, ...]


def with_relations(resources: Mapping[str, Resource], diagnostics: Diagnostics) -> dict[str, Resource]:
    """Return the resources with their relations; wrong ones are left out and noted."""
    found = {name: tuple(_relations(one, resources, diagnostics)) for name, one in resources.items()}
    return {
        name: replace(resource, relations=found[name], relation_names=tuple(one.name for one in found[name]))
        for name, resource in resources.items()
    }


def _relations(
    resource: Resource, resources: Mapping[str, Resource], diagnostics: Diagnostics
) -> Iterator[Relation]:
    for field in resource.message.fields:
        message = field.message_type
        if message is None or message.full_name not in resources or not is_relation(field, diagnostics):
            continue
        reader = _Reader(field, resource, resources[message.full_name], diagnostics)
        relation = reader.relation()
        if relation is not None:
            yield relation


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one field."""

    field: FieldDescriptor
    resource: Resource
    target: Resource
    diagnostics: Diagnostics

    def relation(self) -> Relation | None:
        """Return the field's relation; None where it is wrong, which is noted."""
        options = relation_options(self.field.full_name, self.diagnostics)
        self._check_place(options)
        columns = self._columns(options)
        if columns is None:
            return None
        is_one = is_unique(self.target, columns.others)
        if not self.field.is_repeated and not is_one:
            wrong = (
                f"may stand for several rows: {', '.join(columns.others)} of {self.target.table} is no key"
            )
            self._wrong(wrong, "make the field repeated, or the columns a unique key")
        relation = Relation(
            name=self.field.name,
            descriptor=self.field,
            target=self.target.message.full_name,
            columns=columns.own,
            references=columns.others,
            is_unique=is_one,
            filter=options.filter.strip(),
            order_by=options.order_by.strip(),
            limit=options.limit or DEFAULT_LIMIT,
            write=_WRITES.get(options.write, RelationWrite.NEVER),
            line=self.diagnostics.elements[self.field.full_name].line,
        )
        if relation.is_created:
            for wrong, right in unfit_to_be_written(relation, self.resource, self.target):
                self._wrong(wrong, right)
        return relation

    def _wrong(self, wrong: str, right: str) -> None:
        self.diagnostics.add(self.field.full_name, wrong, right)

    def _check_place(self, options: Options) -> None:
        oneof = self.field.containing_oneof
        if oneof is not None and len(oneof.fields) > 1:
            self._wrong("is a relation, which can't stand in a oneof", f"put it outside, {_AS_DOCUMENT}")
        if not self.field.is_repeated and (options.order_by or options.limit):
            self._wrong("holds one row, which has no order and no limit", "leave order_by and limit out")
        if not 0 <= options.limit <= MAX_LIMIT:
            self._wrong(f"has the limit {options.limit}", f"write 1 to {MAX_LIMIT:,}")

    def _columns(self, options: Options) -> Columns | None:
        own = self._named(options.columns, self.resource)
        others = self._named(options.references, self.target)
        if own is None or others is None:
            return None
        if own and others:
            return self._given(own, others)
        found = [one for one in self._candidates() if _fits(one, own, others)]
        if len(found) == 1:
            return found[0]
        self._not_one(found)
        return None

    def _named(self, names: Iterable[str], resource: Resource) -> tuple[str, ...] | None:
        """Return the columns of some fields; None for an unknown one, which is noted."""
        names, known = tuple(names), resource.by_name
        unknown = [name for name in names if name not in known]
        for name in unknown:
            self._wrong(f'goes by the unknown field "{name}" of {resource.name}', suggestion(name, known))
        return None if unknown else tuple(known[name].column for name in names)

    def _given(self, own: tuple[str, ...], others: tuple[str, ...]) -> Columns | None:
        if len(own) != len(others):
            self._wrong(f"has {len(own)} columns, but {len(others)} references", "name as many")
            return None
        for one, other in zip(own, others, strict=True):
            first, second = self.resource.by_column[one].type.sql, self.target.by_column[other].type.sql
            if not are_comparable(first, second):
                wrong = f'"{one}" is {first}, but {self.target.table}.{other}, which it equals, is {second}'
                self._wrong(wrong, "give both the same type")
        return Columns(own, others)

    def _candidates(self) -> list[Columns]:
        """Return what foreign keys say: for one row this table's first, for several the other's."""
        towards = [Columns(k.columns, k.target_columns) for k in _keys(self.resource, self.target)]
        back = [Columns(k.target_columns, k.columns) for k in _keys(self.target, self.resource)]
        if self.field.is_repeated:
            return back
        return towards or [one for one in back if is_unique(self.target, one.others)]

    def _not_one(self, found: Sequence[Columns]) -> None:
        other = self.target.name
        if found:
            fitting = "; ".join(f"{', '.join(one.own)} = {', '.join(one.others)}" for one in found)
            wrong = f"is a relation, and {len(found)} foreign keys fit: {fitting}"
            self._wrong(wrong, "say (rowgate.v1.relation).columns, or references")
            return
        wrong = f"is a relation, as {other} is a table, and no foreign key fits"
        self._wrong(wrong, f"say (rowgate.v1.relation) columns and references, {_AS_DOCUMENT}")


def _keys(resource: Resource, target: Resource) -> Iterator[ForeignKey]:
    """Yield the foreign keys of one table that refer to another, by columns that both have."""
    for key in resource.foreign_keys:
        is_to_target = (key.target_schema, key.target_table) == (target.schema, target.table)
        known = {*key.columns} <= resource.by_column.keys() and {
            *key.target_columns
        } <= target.by_column.keys()
        if is_to_target and known and len(key.columns) == len(key.target_columns):
            yield key


def _fits(columns: Columns, own: tuple[str, ...], others: tuple[str, ...]) -> bool:
    """Whether a foreign key has the columns that are given."""
    return (not own or sorted(own) == sorted(columns.own)) and (
        not others or sorted(others) == sorted(columns.others)
    )
