"""Schemas as data: tables, their columns and keys, as a test draws them and a kept case spells them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto
from hypothesis import strategies as st

from tests.generated_schemas.kinds import KINDS, Kind, quoted

UNSET = "(unset)"
"""A default that isn't there; None is a value of some columns."""


@dataclass(frozen=True)
class Column:
    """A column and its field.

    Args:
        name: the field's name.
        kind: of KINDS.
        presence: whether a scalar can be told from its zero.
        column: the column's name, where it isn't the field's.
        default: the value that fills it on create, as an SQL default.
        not_null: whether it says so, having presence.
        proto_default: what the field reads as while it is unset; it is stored nowhere.
        oneof: whether it is a member of the message's oneof.
        computed: the field of which it is a copy, computed by PostgreSQL.
        output_only: whether only its default sets it.
        identity: whether PostgreSQL numbers it where it is left out.

    """

    name: str
    kind: str
    presence: bool = False
    column: str = ""
    default: Any = UNSET
    not_null: bool = False
    proto_default: Any = UNSET
    oneof: bool = False
    computed: str = ""
    output_only: bool = False
    identity: bool = False

    @property
    def of(self) -> Kind:
        """Return its kind."""
        return KINDS[self.kind]

    @property
    def good(self) -> st.SearchStrategy[Any]:
        """Return the values that it stores as they are: of an identity 0 is none."""
        return self.of.good.filter(bool) if self.identity else self.of.good

    @property
    def stored(self) -> str:
        """Return the column's name."""
        return self.column or self.name

    @property
    def has_presence(self) -> bool:
        """Whether unset is another state than zero."""
        return not self.of.repeated and (self.presence or bool(self.of.message and not self.is_enum))

    @property
    def is_enum(self) -> bool:
        """Whether it holds a number of an enum."""
        return self.of.type == FieldDescriptorProto.TYPE_ENUM

    @property
    def has_default(self) -> bool:
        """Whether an SQL default fills it."""
        return bool(self.default != UNSET)

    @property
    def is_written(self) -> bool:
        """Whether what requests say of it is stored."""
        return not self.computed and not self.output_only


@dataclass(frozen=True)
class Schema:
    """A table with its service.

    Args:
        syntax: proto2, proto3 or editions.
        message: the message's name.
        columns: what requests write.
        key: the primary key, by field.
        table: the table's name, where it isn't the message's.
        place: its PostgreSQL schema.
        roles: version, etag, created_at, updated_at and soft_delete → the field that plays it.
        unique: unique keys, by field.
        indexes: what (rowgate.v1.table).index says of each.
        checks: columns of whole numbers that may not be below zero.
        altered: what an administrator does to the table before it is served, of ALTERATIONS.
        package: the proto package.

    """

    syntax: str
    message: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    table: str = ""
    place: str = ""
    roles: Mapping[str, str] = field(default_factory=dict)
    unique: tuple[tuple[str, ...], ...] = ()
    indexes: tuple[Mapping[str, Any], ...] = ()
    checks: tuple[str, ...] = ()
    altered: str = ""
    package: str = "made.v1"

    @cached_property
    def by_name(self) -> Mapping[str, Column]:
        """Return the columns by field."""
        return {column.name: column for column in self.columns}

    @property
    def keys(self) -> tuple[Column, ...]:
        """Return the primary key's columns."""
        return tuple(self.by_name[name] for name in self.key)

    @property
    def written(self) -> tuple[Column, ...]:
        """Return the columns that an update may change."""
        return tuple(c for c in self.columns if c.name not in self.key and c.is_written)

    def sql_type(self, column: Column) -> str:
        """Return a column's type as SQL spells it."""
        place = name_of(self.place or "public")
        return column.of.column.replace("open_label", f"{place}.open_label")

    def sql_value(self, column: Column, value: Any) -> str:
        """Return a value as SQL spells it."""
        if value is None or column.of.sql is None:
            return f"NULL::{self.sql_type(column)}"
        return f"{column.of.sql(value).replace('open_label', self.sql_type(column))}::{self.sql_type(column)}"


def name_of(name: str) -> str:
    """Return a name as SQL spells it."""
    return '"' + name.replace('"', '""') + '"'


__all__ = ["UNSET", "Column", "Schema", "name_of", "quoted"]
