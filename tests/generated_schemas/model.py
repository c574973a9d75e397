"""A table as a dictionary: what every write should leave, and which it should refuse."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from tests.generated_schemas.altering import ALTERATIONS
from tests.generated_schemas.kinds import Kind, Value
from tests.generated_schemas.schemas import Column, Schema

Values = Mapping[str, Value]
"""Values by field; one that isn't there is unset. In a stored row None is NULL."""
Key = tuple[Any, ...]
"""What tells rows apart, as PostgreSQL's `=` does."""

INSERTED, UPDATED, UNCHANGED, IGNORED, FAILED, SUPERSEDED = range(1, 7)


class Refused(Exception):  # noqa: N818 - reads as what happened
    """What is refused; any of the reasons will do."""

    def __init__(self, *reasons: str) -> None:
        super().__init__(*reasons)
        self.reasons = frozenset(reasons)


@dataclass(frozen=True)
class Stored:
    """A row."""

    values: Values
    version: int = 1
    live: bool = True


def zero_of(kind: Kind) -> Value:
    """Return what a field without presence holds when it is left out."""
    if kind.repeated:
        return {} if kind.map else []
    zeros = {
        FieldDescriptor.TYPE_STRING: "",
        FieldDescriptor.TYPE_BYTES: b"",
        FieldDescriptor.TYPE_BOOL: False,
    }
    floats = (FieldDescriptor.TYPE_FLOAT, FieldDescriptor.TYPE_DOUBLE)
    return zeros.get(kind.type, 0.0 if kind.type in floats else 0)


def fill(schema: Schema, message: Message, values: Values) -> Message:
    """Set a message's fields."""
    for name, value in values.items():
        if value is not None:
            _set(message, schema.by_name[name], value)
    return message


def _set(message: Message, column: Column, value: Value) -> None:
    if column.of.json:
        part = getattr(message, column.name)
        json_format.ParseDict(value, part)
        part.SetInParent()
    else:
        message.MergeFrom(type(message)(**{column.name: value}))


def shown(schema: Schema, message: Message) -> dict[str, Any]:
    """Return what answers are compared by, for each column; None where it is unset."""
    return {column.name: shown_value(column, message) for column in schema.columns}


def shown_value(column: Column, message: Message) -> Any:
    """Return what one field is compared by."""
    if column.has_presence and not message.HasField(column.name):
        return None
    return column.of.shown(getattr(message, column.name))


@dataclass
class Model:
    """What the table should hold.

    Args:
        schema: of the table.
        empty: an empty message of the resource.
        rows: by key.
        beside: rows that aren't stored, and that others may not clash with all the same; None where only
            stored rows count.

    """

    schema: Schema
    empty: Message
    rows: dict[Key, Stored] = field(default_factory=dict)
    beside: list[Values] | None = None

    def copy(self, *, at_once: bool = False) -> "Model":
        """Return a copy, to be changed without this one.

        Args:
            at_once: whether rows that are refused keep what they clash with others about, as where all bad
                rows of a request are looked for at once (docs/decisions/0004).

        """
        return replace(self, rows=dict(self.rows), beside=[] if at_once else None)

    def shown(self, values: Values) -> dict[str, Any]:
        """Return what a row's answer is compared by."""
        return shown(self.schema, self.message(values))

    def message(self, values: Values) -> Message:
        """Return a row's message."""
        return fill(self.schema, type(self.empty)(), values)

    def key(self, values: Values) -> Key:
        """Return a row's key."""
        return self._alike(values, self.schema.key)

    def _alike(self, values: Values, names: Sequence[str]) -> Key:
        message = self.message({name: values.get(name) for name in names})
        columns = [self.schema.by_name[name] for name in names]
        seen = [(column.of, shown_value(column, message)) for column in columns]
        return tuple(None if value is None else kind.alike(value) for kind, value in seen)

    def create(self, values: Values) -> Stored:
        """Insert a row."""
        row = {column.name: self._initial(column, values) for column in self.schema.columns}
        return self._store(self.key(values), Stored(self._computed(row)), new=True)

    def _computed(self, values: Values) -> Values:
        """Return a row with what PostgreSQL computes of it."""
        made = {one.name: values[one.computed] for one in self.schema.columns if one.computed}
        return {**values, **made}

    def _initial(self, column: Column, values: Values) -> Value:
        if column.name in values and column.is_written:
            return values[column.name]
        if not column.has_presence:
            return zero_of(column.of)
        return column.default if column.has_default else None

    def update(
        self, values: Values, mask: Sequence[str] | None, expected: int | None, *, missing: bool
    ) -> Stored:
        """Change a row, or create it where it may be missing."""
        key = self.key(values)
        if key not in self.rows:
            if not missing:
                raise Refused("ROW_NOT_FOUND")
            if expected is not None:
                raise Refused("ETAG_MISMATCH")
            return self.create(values)
        row = self._expected(key, expected, live=True)
        named = self._named(values, mask)
        if not named:
            return row
        changed = {column.name: self._replaced(column, values) for column in named}
        after = self._computed({**row.values, **changed})
        return self._store(key, replace(row, values=after, version=row.version + 1))

    def _named(self, values: Values, mask: Sequence[str] | None) -> list[Column]:
        if not mask:
            populated = {one.name for one, _ in self.message(values).ListFields()}
            return self._with_rivals(populated, values)
        written = {column.name for column in self.schema.written}
        return self._with_rivals(written if list(mask) == ["*"] else written & set(mask), values)

    def _with_rivals(self, names: Collection[str], values: Values) -> list[Column]:
        """Return the columns, and with a member of the oneof that is set the others, which become NULL."""
        chosen = any(self.schema.by_name[name].oneof and name in values for name in names)
        return [one for one in self.schema.written if one.name in names or (chosen and one.oneof)]

    def _replaced(self, column: Column, values: Values) -> Value:
        if column.name in values:
            return values[column.name]
        if not column.has_presence:
            return zero_of(column.of)
        return column.default if column.not_null and column.has_default else None

    def delete(self, values: Values, expected: int | None, *, missing: bool) -> Stored | None:
        """Delete a row, or mark it as deleted."""
        key = self.key(values)
        if key not in self.rows or not self.rows[key].live:
            if not missing:
                raise Refused("ROW_NOT_FOUND")
            return self.rows.get(key)
        row = self._expected(key, expected, live=True)
        if "soft_delete" not in self.schema.roles:
            return self.rows.pop(key)
        return self._store(key, replace(row, live=False, version=row.version + 1))

    def undelete(self, values: Values, expected: int | None) -> Stored:
        """Take the mark off a row."""
        key = self.key(values)
        if key not in self.rows:
            raise Refused("ROW_NOT_FOUND")
        row = self._expected(key, expected, live=False)
        return self._store(key, replace(row, live=True, version=row.version + 1))

    def _expected(self, key: Key, expected: int | None, *, live: bool) -> Stored:
        row = self.rows[key]
        if row.live is not live:
            raise Refused("ROW_DELETED" if live else "ROW_NOT_DELETED")
        if expected is not None and expected != row.version:
            raise Refused("ETAG_MISMATCH")
        return row

    def _store(self, key: Key, row: Stored, *, new: bool = False) -> Stored:
        reasons = set(self.violations(key, row.values))
        if new and key in self.rows:
            reasons.add("UNIQUE_VIOLATION")
        if reasons:
            if self.beside is not None:
                self.beside.append(row.values)
            raise Refused(*reasons)
        self.rows[key] = row
        return row

    def violations(self, key: Key, values: Values) -> Iterator[str]:
        """Yield the reasons why a row can't be stored beside the others."""
        schema = self.schema
        if any((values[name] or 0) < 0 for name in schema.checks):
            yield "CHECK_VIOLATION"
        if any(column.not_null and values[column.name] is None for column in schema.columns):
            yield "NOT_NULL_VIOLATION"
        others = [row.values for other, row in self.rows.items() if other != key]
        others += self.beside or []
        for names in schema.unique:
            own = self._alike(values, names)
            if None not in own and any(self._alike(other, names) == own for other in others):
                yield "UNIQUE_VIOLATION"
        if schema.altered:
            yield from ALTERATIONS[schema.altered].broken(
                schema, lambda of: (self._alike(values, of), [self._alike(other, of) for other in others])
            )

    def upsert(
        self, rows: Sequence[Values], options: Mapping[str, Any], *, patient: bool = False
    ) -> list[int]:
        """Return each row's outcome, and change the model unless the request is refused whole.

        Args:
            rows: as sent.
            options: of the request.
            patient: whether a row may take what a later one gives up: a statement writes rows in the order of
                their keys.

        """
        before = dict(self.rows)
        outcomes = self._duplicates(rows, last_wins=options["on_duplicate"] != 2)
        left = [i for i in range(len(rows)) if not outcomes[i]]
        while left:
            for i in left:
                outcomes[i] = self._upserted(rows[i], options)
            refused = [i for i in left if outcomes[i] == FAILED]
            left = refused if patient and len(refused) < len(left) else []
        if FAILED in outcomes and not options["partial_failure"]:
            self.rows = before
        return outcomes

    def _upserted(self, values: Values, options: Mapping[str, Any]) -> int:
        stored = self.rows.get(self.key(values))
        try:
            if stored is None:
                self.create(values)
                return INSERTED
            if options["on_conflict"] in (2, 3):
                return IGNORED if options["on_conflict"] == 2 else FAILED
            return self._merged(stored, values, options["update_mask"])
        except Refused:
            return FAILED

    def _merged(self, stored: Stored, values: Values, mask: Sequence[str]) -> int:
        named = self._named(values, mask or ["*"])
        if not mask:
            sent = {one.name for one in named if not one.has_presence or one.name in values}
            named = self._with_rivals(sent, values)
        changed = {column.name: self._replaced(column, values) for column in named}
        after = self._computed({**stored.values, **changed})
        if stored.live and self.shown(after) == self.shown(stored.values):
            return UNCHANGED
        self._store(self.key(values), Stored(after, stored.version + 1))
        return UPDATED

    def _duplicates(self, rows: Sequence[Values], *, last_wins: bool) -> list[int]:
        outcomes = [0] * len(rows)
        seen: dict[Key, int] = {}
        for i, values in enumerate(rows):
            key = self.key(values)
            if key in seen and not last_wins:
                outcomes[i] = FAILED
                continue
            if key in seen:
                outcomes[seen[key]] = SUPERSEDED
            seen[key] = i
        return outcomes
