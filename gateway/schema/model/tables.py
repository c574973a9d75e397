"""Resources: messages that are tables, with keys, checks, references, relations and rules."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from gateway.schema.model.columns import Field
from gateway.schema.search.ways import Search


class Action(Enum):
    """PostgreSQL's referential actions, as SQL spells them."""

    NO_ACTION = "NO ACTION"
    RESTRICT = "RESTRICT"
    CASCADE = "CASCADE"
    SET_NULL = "SET NULL"
    SET_DEFAULT = "SET DEFAULT"


@dataclass(frozen=True, slots=True)
class UniqueKey:
    """A unique constraint over fields; `name` None stands for the naming convention's."""

    columns: tuple[str, ...]
    name: str | None = None
    nulls_not_distinct: bool = False


@dataclass(frozen=True, slots=True)
class IndexColumn:
    """A column of an index and its direction."""

    column: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Index:
    """An index; `name` None stands for the naming convention's."""

    columns: tuple[IndexColumn, ...]
    name: str | None = None
    method: str = "btree"
    where: str | None = None
    include: tuple[str, ...] = ()
    unique: bool = False
    operators: str = ""
    """The operator class of its one column; empty for the type's own."""
    parameters: tuple[tuple[str, int], ...] = ()
    """Storage parameters by name."""


@dataclass(frozen=True, slots=True)
class Check:
    """A check constraint: an SQL condition, and its full name in the database."""

    expression: str
    name: str
    columns: tuple[str, ...] = ()
    """The columns that the condition speaks of, in its order."""


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A reference to a table, which need not be a resource of this schema."""

    columns: tuple[str, ...]
    target_schema: str
    target_table: str
    target_columns: tuple[str, ...]
    on_delete: Action = Action.NO_ACTION
    on_update: Action = Action.NO_ACTION
    enforced: bool = True
    name: str | None = None


class RelationWrite(Enum):
    """When the rows of a relation are written with the row that holds them."""

    NEVER = "NEVER"
    CREATE = "CREATE"
    """Where that row is new."""
    REPLACE = "REPLACE"
    """There, and where an update names the relation: what isn't sent then is deleted."""
    MERGE = "MERGE"
    """There too: what isn't sent stays."""


@dataclass(frozen=True, slots=True, repr=False)
class Relation:
    """A field of another resource's message, which holds rows of that resource and is no column."""

    name: str
    """The proto field's name."""
    descriptor: FieldDescriptor
    target: str
    """The other resource's message, by its full name."""
    columns: tuple[str, ...]
    """The columns of this resource's table that are compared."""
    references: tuple[str, ...]
    """The columns of the other resource's table that they equal."""
    is_unique: bool
    """Whether a row has one other row at most, as the database holds."""
    filter: str = ""
    order_by: str = ""
    limit: int = 0
    """The most rows of a repeated field."""
    write: RelationWrite = RelationWrite.NEVER
    line: int = 0
    """Where the proto file declares it; 0 where that isn't known."""

    def __repr__(self) -> str:
        return f"Relation({self.descriptor.full_name})"

    @property
    def is_many(self) -> bool:
        """Whether it holds several rows."""
        return bool(self.descriptor.is_repeated)

    @property
    def is_created(self) -> bool:
        """Whether its rows are written with a new row."""
        return self.write is not RelationWrite.NEVER

    @property
    def is_changed(self) -> bool:
        """Whether an update may write its rows."""
        return self.write in _CHANGED


_CHANGED = frozenset({RelationWrite.REPLACE, RelationWrite.MERGE})


@dataclass(frozen=True, slots=True)
class Partition:
    """A table that holds the rows of some values.

    Args:
        schema: the PostgreSQL schema that holds it.
        table: its name.
        values: as they are stored, in text.
        spelled: the same, as the resource's schema spells them.

    """

    schema: str
    table: str
    values: tuple[str, ...]
    spelled: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Partitions:
    """The tables that hold a resource's rows, by the value of a column."""

    column: str
    tables: tuple[Partition, ...]


@dataclass(frozen=True, slots=True)
class Distribution:
    """How Citus spreads a table's rows over its nodes.

    Args:
        column: the column whose value says the shard of a row; None of a reference table, which each node has
            whole.
        colocate_with: the schema and name of the table that the author named.
        group: those of the table that is named at last: what tables of one group distribute by the same value
            is on one node. None of reference tables.

    """

    column: str | None
    colocate_with: tuple[str, str] | None = None
    group: tuple[str, str] | None = None


class Audit(Enum):
    """What is kept of each change of a row."""

    NOTHING = "nothing"
    ROWS = "rows"
    """A row of the gateway's own table, in the transaction of the change."""
    LOG = "log"
    """A line of the log, after the change is committed."""


@dataclass(frozen=True, slots=True)
class TablePolicy:
    """Which rows callers may see and change: filters over row and caller; empty ones let nobody.

    gateway.policy makes rules of them.
    """

    read: str = ""
    create: str = ""
    update: str = ""
    update_check: str = ""
    delete: str = ""


@dataclass(frozen=True, repr=False)  # without slots: what is derived from the fields is kept
class Resource:
    """A message that is a row of a table. Keys, indexes and so on name columns, not proto fields."""

    message: Descriptor
    schema: str
    table: str
    fields: tuple[Field, ...]
    primary_key: tuple[str, ...]
    unique: tuple[UniqueKey, ...] = ()
    indexes: tuple[Index, ...] = ()
    checks: tuple[Check, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    version: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    soft_delete: str | None = None
    etag: str | None = None
    """The proto field (not a column) that carries the etag."""
    unreadable: str | None = None
    """The proto field (not a column) that names the values which a row is read without."""
    comment: str = ""
    policy: TablePolicy | None = None
    """Which rows callers may see and change; None where whoever may call a method may have all."""
    audit: Audit = Audit.NOTHING
    partitions: Partitions | None = None
    """The tables that the rows are in, of which its own is the whole; None where that holds them itself."""
    distribution: Distribution | None = None
    """How Citus spreads its rows; None where they are on one node."""
    parts: frozenset[str] = field(default=frozenset(), compare=False)
    """The names of its partitions in the database, which PostgreSQL's errors tell in place of the table's."""
    search: Search | None = None
    """How Search methods find its rows."""
    managed: bool = True
    """Whether migrations make and alter the table; they know nothing of others."""
    constraints: Mapping[str, tuple[str, ...]] | None = field(default=None, compare=False)
    """The columns of each constraint and unique index, by its name in the database; None until known."""
    has_deferrable_keys: bool = field(default=False, compare=False)
    """Whether a unique or exclusion constraint of the table in the database is deferrable."""
    is_view: bool = field(default=False, compare=False)
    """Whether it is a view in the database, or anything else whose rows have no place of their own."""
    relations: tuple[Relation, ...] = ()
    """The proto fields (not columns) that hold rows of other resources, or of this one."""
    relation_names: tuple[str, ...] = ()
    """The names of these fields, and of those too that its callers don't know."""
    cache_seconds: float = 0.0
    """How long rows may be kept in memory for reads that need not be of the primary; 0 where they aren't."""
    line: int = field(default=0, compare=False)
    """Where the proto file declares it; 0 where that isn't known."""
    unwritable: frozenset[str] = frozenset()
    """The names of the fields that its callers may not write, hidden ones too."""
    zeroed: tuple[Field, ...] = ()
    """The fields without presence that its callers may not write: new rows have their zeros there."""
    limits_key: str = ""
    """What tells it from the whole resource, where it is that of callers who may not have all columns."""

    def __repr__(self) -> str:
        return f"Resource({self.message.full_name})"

    @property
    def name(self) -> str:
        """The message's short name."""
        return str(self.message.name)

    @cached_property
    def key_fields(self) -> tuple[Field, ...]:
        """The primary key's fields, in key order."""
        by_column = self.by_column
        return tuple(by_column[column] for column in self.primary_key)

    @cached_property
    def by_column(self) -> Mapping[str, Field]:
        """Fields by column name."""
        return {field.column: field for field in self.fields}

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        """Fields by proto name."""
        return {field.name: field for field in self.fields}

    @cached_property
    def relation_by_name(self) -> Mapping[str, Relation]:
        """Relations by proto name."""
        return {relation.name: relation for relation in self.relations}

    @cached_property
    def changed_by(self) -> tuple[Field, ...]:
        """The fields that each change sets to something of its caller."""
        return tuple(field for field in self.fields if field.preset is not None and field.preset.update)

    @cached_property
    def askable(self) -> "Resource":
        """The resource as filters, orders and errors know it: without the fields that are masked."""
        fields = tuple(field for field in self.fields if not field.masked)
        return self if len(fields) == len(self.fields) else replace(self, fields=fields)

    @cached_property
    def oneofs(self) -> tuple[tuple[Field, ...], ...]:
        """The stored members of each oneof that stores several: setting one of them unsets the others."""
        by_name = self.by_name
        stored = (
            tuple(by_name[member.name] for member in oneof.fields if member.name in by_name)
            for oneof in self.message.oneofs
        )
        return tuple(members for members in stored if len(members) > 1)
