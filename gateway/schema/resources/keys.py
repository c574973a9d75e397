"""A table's keys, indexes, checks and references: from the options' field names to columns."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from google.protobuf.descriptor import Descriptor
from rowgate.v1 import annotations_pb2

from gateway.schema.diagnostics import Diagnostics, suggestion
from gateway.schema.model import Action, Check, Field, ForeignKey, Index, IndexColumn, UniqueKey
from gateway.schema.protos.options import column_options
from gateway.schema.resources.implied_checks import implied_condition
from gateway.schema.tables.naming import check_name, foreign_key_name, index_name, quote, unique_name

_ACTIONS = {
    annotations_pb2.Reference.ACTION_UNSPECIFIED: Action.NO_ACTION,
    annotations_pb2.Reference.NO_ACTION: Action.NO_ACTION,
    annotations_pb2.Reference.RESTRICT: Action.RESTRICT,
    annotations_pb2.Reference.CASCADE: Action.CASCADE,
    annotations_pb2.Reference.SET_NULL: Action.SET_NULL,
    annotations_pb2.Reference.SET_DEFAULT: Action.SET_DEFAULT,
}
_LITERAL = re.compile(r"'(?:[^']|'')*'")
_WORD = re.compile(r'"((?:[^"]|"")+)"|([A-Za-z_][A-Za-z0-9_$]*)')


@dataclass(frozen=True, slots=True)
class TableReader:
    """Reads one table's options against its fields; what is wrong goes to `diagnostics`, at the message."""

    message: Descriptor
    schema: str
    name: str
    fields: Sequence[Field]
    diagnostics: Diagnostics
    not_stored: Collection[str] = ()
    """The fields that are not stored. Any other that `fields` lacks is wrong, which was said already."""

    def column(self, name: str, option: str) -> str | None:
        """Return the column of the field of that name; None where the option is not used."""
        found = self.columns([name] if name else [], option)
        return found[0] if found else None

    def columns(self, names: Iterable[str], option: str) -> tuple[str, ...]:
        """Return the columns of the named fields, without the unknown ones."""
        known = {field.name: field.column for field in self.fields}
        found = []
        for name in names:
            if name in known:
                found.append(known[name])
            elif name in self.not_stored or name not in self.message.fields_by_name:
                wrong = f'{option}: unknown column "{name}"'
                self.diagnostics.add(self.message.full_name, wrong, suggestion(name, known))
        return tuple(found)

    def unique(self, options: Iterable[annotations_pb2.UniqueKey]) -> tuple[UniqueKey, ...]:
        """Return the unique keys."""
        keys = ((key, self.columns(key.columns, "unique")) for key in options)
        return tuple(
            UniqueKey(columns, key.name or unique_name(self.name, columns[0]), key.nulls_not_distinct)
            for key, columns in keys
            if columns
        )

    def indexes(self, options: Iterable[annotations_pb2.Index]) -> tuple[Index, ...]:
        """Return the indexes."""
        return tuple(filter(None, map(self._index, options)))

    def _index(self, option: annotations_pb2.Index) -> Index | None:
        parts = [
            re.fullmatch(r"(.*?)(\s+(?:desc|asc))?", text.strip(), re.IGNORECASE) for text in option.columns
        ]
        pairs = [(part[1], (part[2] or "").strip().lower() == "desc") for part in parts if part]
        found = [(self.columns([name], "index"), down) for name, down in pairs]
        columns = tuple(IndexColumn(names[0], down) for names, down in found if names)
        if not columns:
            return None
        return Index(
            columns=columns,
            name=option.name or index_name(self.name, columns[0].column),
            method=option.method or "btree",
            where=option.where or None,
            include=self.columns(option.include, "index include"),
            unique=option.unique,
        )

    def checks(self, options: Iterable[annotations_pb2.Check]) -> tuple[Check, ...]:
        """Return the checks: the ones that types imply, then the ones that the author wrote."""
        implied = ((field, implied_condition(field, quote(field.column))) for field in self.fields)
        by_type = [
            Check(condition, check_name(self.name, field.column), (field.column,))
            for field, condition in implied
            if condition
        ]
        return (*by_type, *self._oneofs(), *map(self._check, options))

    def _oneofs(self) -> Iterator[Check]:
        columns = {field.name: field.column for field in self.fields}
        for oneof in self.message.oneofs:
            members = tuple(columns[field.name] for field in oneof.fields if field.name in columns)
            if len(members) > 1:
                condition = f"num_nonnulls({', '.join(map(quote, members))}) <= 1"
                yield Check(condition, check_name(self.name, oneof.name), members)

    def _check(self, option: annotations_pb2.Check) -> Check:
        columns = mentioned(option.expression, [field.column for field in self.fields])
        name = option.name or check_name(self.name, *columns)
        return Check(option.expression, name, columns)

    def foreign_keys(self, options: Iterable[annotations_pb2.ForeignKey]) -> tuple[ForeignKey, ...]:
        """Return the references, the columns' own first; targets are settled when all tables are known."""
        own = [
            (field.column, column_options(field.descriptor.full_name, self.diagnostics))
            for field in self.fields
        ]
        single = [
            self._reference(option.references, (column,), "")
            for column, option in own
            if option.HasField("references")
        ]
        several = [
            self._reference(key.references, columns, key.name)
            for key in options
            if (columns := self.columns(key.columns, "foreign_key"))
        ]
        return (*single, *several)

    def _reference(
        self, option: annotations_pb2.Reference, columns: tuple[str, ...], name: str
    ) -> ForeignKey:
        schema, _, table = option.table.rpartition(".")
        return ForeignKey(
            columns=columns,
            target_schema=schema or self.schema,
            target_table=table,
            target_columns=tuple(option.columns),
            on_delete=self._action(option.on_delete, "on_delete"),
            on_update=self._action(option.on_update, "on_update"),
            enforced=option.enforced if option.HasField("enforced") else True,
            name=name or foreign_key_name(self.name, columns[0]),
        )

    def _action(self, number: annotations_pb2.Reference.Action, option: str) -> Action:
        action = _ACTIONS.get(number)
        if action is None:
            known = ", ".join(annotations_pb2.Reference.Action.keys()[1:])
            self.diagnostics.add(
                self.message.full_name, f"{option}: there is no action {number}", f"use {known}"
            )
        return action or Action.NO_ACTION


def mentioned(expression: str, columns: Iterable[str]) -> tuple[str, ...]:
    """Return the columns that an SQL expression names, in its order, each once."""
    known = set(columns)
    words = _WORD.finditer(_LITERAL.sub("''", expression))
    names = (quoted.replace('""', '"') if (quoted := word[1]) else word[2].lower() for word in words)
    return tuple(dict.fromkeys(name for name in names if name in known))
