"""Bulk upserts: what each column gets when a row is new and when it is there already.

The statements are text, for SQLAlchemy has no MERGE; every name in them comes from the schema and is
quoted by SQLAlchemy, every value is bound. In all of them `t` is the table and `s` the rows that were sent,
whose NULL stands for unset.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from zlib import crc32

from sqlalchemy.dialects import postgresql

from gateway.policy.row_rules import TableRules
from gateway.request.transforms import Transform, TransformKind
from gateway.schema.model import Field, Resource, ServerSet
from gateway.schema.tables.audited import AuditedTable, audited_table
from gateway.schema.tables.internal import OWN_COLUMNS
from gateway.schema.tables.zeros import zero_literal
from gateway.schema.types.sql_types import without_modifiers
from gateway.schema.values import ValueKind
from gateway.sql.bulk.transforms import transformed_value
from gateway.sql.writes.sequences import sequence_of

# By the default style of parameters, a % in a name would be doubled.
_DIALECT = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]
_PREPARER = _DIALECT.identifier_preparer

INDEX = f"{OWN_COLUMNS}index"
"""The staging column that holds a row's place in the request."""


@dataclass(frozen=True)
class BulkShape:
    """What one kind of bulk upsert does. Compared by value, so that its statements can be cached.

    Args:
        resource: what is written.
        target: the columns of the unique key that tells whether a row is there already.
        updates: whether a stored row is updated; otherwise it is left as it is.
        replaced: columns that a stored row takes as they were sent, NULL included; None where unset columns
            are left alone.
        nulls_equal: whether two NULLs in the key are equal (NULLS NOT DISTINCT).
        always: the identities that PostgreSQL alone may number (GENERATED ALWAYS). A number that is sent can
            find a stored row, where it is of the key; otherwise it is refused.
        rules: of the table's rows; None where it has none.
        transforms: what stored values become, each by the one that is sent.

    """

    resource: Resource
    target: tuple[str, ...]
    updates: bool = True
    replaced: frozenset[str] | None = None
    nulls_equal: bool = False
    always: frozenset[str] = frozenset()
    rules: TableRules | None = None
    transforms: tuple[Transform, ...] = ()

    def numbered_in(self, always: frozenset[str]) -> "BulkShape":
        """Return the shape for a table some of whose columns are GENERATED ALWAYS AS IDENTITY."""
        numbered = always.intersection(field.column for field in self.resource.fields if field.identity)
        return replace(self, always=numbered) if numbered else self

    @cached_property
    def staged(self) -> tuple[Field, ...]:
        """The fields that are sent, in the order of the staging table's columns."""
        return tuple(field for field in self.resource.fields if field.writable)

    @cached_property
    def audited(self) -> AuditedTable | None:
        """What is needed to keep changes; None where nothing is kept."""
        return audited_table(self.resource)

    @cached_property
    def updated(self) -> tuple[Field, ...]:
        """The fields that a stored row may take. A row's keys never change."""
        keys = {*self.resource.primary_key, *self.target, *self.always}
        fields = (field for field in self.staged if field.is_changed and field.column not in keys)
        return tuple(f for f in fields if self.names(f) or self.rivals(f))

    @cached_property
    def transformed(self) -> Mapping[str, TransformKind]:
        """What is made of stored values, by column."""
        return {one.column: one.kind for one in self.transforms}

    def names(self, field: Field) -> bool:
        """Return whether the mask names the field, or there is none."""
        return self.replaced is None or field.column in self.replaced

    def rivals(self, field: Field) -> tuple[Field, ...]:
        """Return the named members of the field's oneof: a row that sets one of them decides about all."""
        members = next((members for members in self.resource.oneofs if field in members), ())
        return tuple(filter(self.names, members))

    @cached_property
    def target_fields(self) -> tuple[Field, ...]:
        """The fields of the key."""
        return tuple(self.resource.by_column[column] for column in self.target)

    @cached_property
    def found_by_number(self) -> tuple[Field, ...]:
        """The fields of the key that PostgreSQL alone may number."""
        return tuple(field for field in self.target_fields if field.column in self.always)

    @property
    def compares_in_python(self) -> bool:
        """Whether two keys are equal in PostgreSQL exactly where their driver values are in Python."""
        return not self.nulls_equal and all(field.type.tells_apart for field in self.target_fields)

    @property
    def refers_to_itself(self) -> bool:
        """Whether a row may refer to another one of the request, so that one statement must write both."""
        table = (self.resource.schema, self.resource.table)
        return any((key.target_schema, key.target_table) == table for key in self.resource.foreign_keys)

    def may_be_set(self, column: str) -> bool:
        """Return whether an update may name the column at all."""
        field = self.resource.by_column[column]
        return field.generated is None and not field.identity

    @property
    def has_arrays(self) -> bool:
        """Whether a column is an array, which unnest can't spread over rows."""
        return any(field.type.kind is ValueKind.ARRAY or field.type.element for field in self.staged)


def may_be_unset(field: Field) -> bool:
    """Return whether a row may leave the field out."""
    return field.has_presence or field.zero_is_default


def quote(name: str) -> str:
    """Return an identifier in quotes."""
    return str(_PREPARER.quote_identifier(name))


def literal(text: str) -> str:
    """Return a name as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def table_name(resource: Resource) -> str:
    """Return the table's quoted name with its schema."""
    return f"{quote(resource.schema)}.{quote(resource.table)}"


def stage_name(resource: Resource) -> str:
    """Return the unquoted name of the resource's staging table: always the same columns under one name."""
    return f"rowgate_stage_{crc32(resource.message.full_name.encode()):08x}"


def stored_type(field: Field) -> str:
    """Return the column's type in SQL."""
    return str(_DIALECT.type_compiler_instance.process(field.type.engine))


def staged_type(field: Field) -> str:
    """Return the staging column's type: text where the driver doesn't speak it, no limits of length.

    A limit is then met by the one statement that writes, where the bad row can be found. An array's
    elements are sent with their type's number, which no enum has before it is made. A place is sent as the
    bytes that PostGIS stores.
    """
    if field.type.kind is ValueKind.PLACE:
        return stored_type(field)
    element = field.type.element
    if field.type.text_cast or (element is not None and isinstance(element.engine, postgresql.ENUM)):
        return "text" if element is None else "text[]"
    stored = stored_type(field)
    limited = field.type.sql.startswith(("character varying", "numeric"))
    return without_modifiers(stored) if limited else stored


def is_sent_as_stored(field: Field) -> bool:
    """Return whether the staged value is the column's own; its length was checked where it was read."""
    return staged_type(field) in (stored_type(field), without_modifiers(stored_type(field)))


def sent(field: Field) -> str:
    """Return the value that was sent."""
    value = f"s.{quote(field.column)}"
    return value if staged_type(field) == stored_type(field) else f"CAST({value} AS {stored_type(field)})"


def key_matches(shape: BulkShape, left: str = "t") -> str:
    """Return the condition that the row `left` has the key of `s`."""
    return _all(_same(f"{left}.{quote(f.column)}", sent(f), shape, f) for f in shape.target_fields)


def _same(left: str, right: str, shape: BulkShape, field: Field) -> str:
    # Arrays hold NULLs to be equal, and unlike IS NOT DISTINCT FROM they can be joined by hash.
    if shape.nulls_equal and field.nullable:
        return f"ARRAY[{left}] = ARRAY[{right}]"
    return f"{left} = {right}"


def inserted_values(shape: BulkShape) -> dict[str, str]:
    """Return what a new row gets, by column; absent ones take their defaults."""
    values = {f.column: _new_value(f) if f.is_created else _default(f) for f in shape.staged}
    # NULL for a row whose number was sent: it was stored a moment ago, or it would have been refused.
    values |= {field.column: _drawn_number(field) for field in shape.staged if field.column in shape.always}
    for field in shape.resource.fields:
        if field.server_set is ServerSet.VERSION:
            values[field.column] = "1"
        elif field.server_set in (ServerSet.CREATED_AT, ServerSet.UPDATED_AT):
            values[field.column] = _now(field)
    return values | {field.column: zero_literal(field) or "NULL" for field in shape.resource.zeroed}


def updated_values(shape: BulkShape) -> dict[str, str]:
    """Return what a stored row gets, by column; empty where nothing can change."""
    values = {field.column: _updated_value(shape, field) for field in shape.updated}
    return {**values, **_restored(shape.resource)}


def stamps(shape: BulkShape) -> dict[str, str]:
    """Return what the server sets, by column, on a stored row that changes."""
    values: dict[str, str] = {}
    for field in shape.resource.fields:
        if field.server_set is ServerSet.VERSION:
            values[field.column] = f"t.{quote(field.column)} + 1"
        elif field.server_set is ServerSet.UPDATED_AT:
            values[field.column] = _now(field)
    return values


def restated(shape: BulkShape) -> dict[str, str]:
    """Return the stored value of a column of each index that an update leaves alone, by column.

    PostgreSQL knows such an index by the columns that SET names, and before it splits one of its pages it
    looks there for entries of dead rows. In a bulk upsert those are this very transaction's: none may go, and
    the search takes up to a quarter of the time. Where SET names a column of the index nothing is searched;
    a unique index is searched anyway. https://www.postgresql.org/docs/current/btree.html#BTREE-DELETION
    """
    named = {*updated_values(shape), *stamps(shape)}
    alone = [
        [part.column for part in index.columns]
        for index in shape.resource.indexes
        if index.method == "btree"
        and not index.unique
        and named.isdisjoint(part.column for part in index.columns)
    ]
    columns = (next(filter(shape.may_be_set, columns), None) for columns in alone)
    return {column: f"t.{quote(column)}" for column in columns if column is not None}


def _are_other_texts(stored: str, value: str) -> str:
    return f"CAST({stored} AS text) IS DISTINCT FROM CAST({value} AS text)"


def changes(shape: BulkShape, differ: Callable[[str, str], str] = _are_other_texts) -> str:
    """Return the condition that the stored row would be another one after the update, whoever makes it.

    Args:
        shape: of the statement.
        differ: says of two values whose type holds some to be equal that are not the same that they aren't.

    """
    by_caller = {field.column for field in shape.resource.changed_by}
    sent = {column: value for column, value in updated_values(shape).items() if column not in by_caller}
    fields = shape.resource.by_column
    return " OR ".join(_differs(fields[column], value, differ) for column, value in sent.items()) or "false"


def numbered(shape: BulkShape, rows: str) -> str:
    """Return the ordered `rows` with a number of its own for each identity that is unset.

    They are drawn here, for a MERGE inserts in any order it likes.
    """
    identities = [field for field in shape.staged if field.identity]
    if not identities:
        return rows
    drawn = ", ".join(_drawn(shape.resource, field) for field in identities)
    return f"(SELECT o.*, {drawn} FROM {rows} AS o)"


def _drawn(resource: Resource, field: Field) -> str:
    drawn = f"nextval({sequence_of(resource, field)})"
    return f"CASE WHEN o.{quote(field.column)} IS NULL THEN {drawn} END AS {_number(field)}"


def _number(field: Field) -> str:
    return quote(f"{OWN_COLUMNS}{field.column}")


def _drawn_number(field: Field) -> str:
    return f"s.{_number(field)}"


def _default(field: Field) -> str:
    return f"({field.default})" if field.default else "NULL"


def _new_value(field: Field) -> str:
    default = f"({field.default})" if field.default else None
    if field.identity:
        default = _drawn_number(field)
    if default is None or not may_be_unset(field):
        return sent(field)
    return f"COALESCE({sent(field)}, {default})"


def _updated_value(shape: BulkShape, field: Field) -> str:
    kind = shape.transformed.get(field.column)
    if kind is None:
        return _kept_or_sent(shape, field)
    return transformed_value(field, kind, f"t.{quote(field.column)}", sent(field), stored_type(field))


def _kept_or_sent(shape: BulkShape, field: Field) -> str:
    masked = shape.replaced is not None
    if (masked and shape.names(field) and not field.zero_is_default) or not may_be_unset(field):
        # A masked field that is unset becomes NULL, or its default where it can't be NULL.
        return sent(field) if field.nullable or field.identity else _new_value(field)
    stored = f"t.{quote(field.column)}"
    rivals = ", ".join(f"s.{quote(member.column)}" for member in shape.rivals(field))
    if not rivals:
        return f"COALESCE({sent(field)}, {stored})"
    return f"CASE WHEN num_nonnulls({rivals}) > 0 THEN {'NULL' if masked else sent(field)} ELSE {stored} END"


def _restored(resource: Resource) -> dict[str, str]:
    return {resource.soft_delete: "NULL"} if resource.soft_delete else {}


def _differs(field: Field, value: str, differ: Callable[[str, str], str]) -> str:
    stored = f"t.{quote(field.column)}"
    if value == "NULL":
        return f"{stored} IS NOT NULL"
    if (field.type.element or field.type).kind is ValueKind.ENUM:
        # A domain over an enum type has no operators, not even those of the type itself.
        stored = f"CAST({stored} AS {stored_type(field)})"
    if field.type.tells_apart:
        return f"{stored} IS DISTINCT FROM {value}"
    return differ(stored, value)


def _now(field: Field) -> str:
    return "now()" if field.type.sql.endswith(" with time zone") else "(now() AT TIME ZONE 'UTC')"


def _all(conditions: Iterable[str]) -> str:
    return " AND ".join(conditions)
