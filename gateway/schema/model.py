"""The neutral model: what a schema is, whether it was read from protos or from a catalog.

Plain frozen records without behaviour beyond look-ups. Everything after this package (requests,
statements, migrations, drift checks) works from these and never from descriptors' options again.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property

from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor

from gateway.schema.routes import Route
from gateway.schema.search.ways import Search
from gateway.schema.values import ValueType


class ServerSet(Enum):
    """Why a request's value for a field is ignored."""

    NO = "no"
    OUTPUT_ONLY = "output_only"
    GENERATED = "generated"
    VERSION = "version"
    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"
    DELETED_AT = "deleted_at"


class Action(Enum):
    """PostgreSQL's referential actions, as SQL spells them."""

    NO_ACTION = "NO ACTION"
    RESTRICT = "RESTRICT"
    CASCADE = "CASCADE"
    SET_NULL = "SET NULL"
    SET_DEFAULT = "SET DEFAULT"


HIDDEN_CHARACTERS = "***"
"""What stands for the characters that a mask doesn't show, however many."""


class Shown(Enum):
    """What a column's mask shows of a value."""

    TEXT = "text"
    KEEP_FIRST = "keep_first"
    KEEP_LAST = "keep_last"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class ColumnMask:
    """What is shown in place of a value.

    Args:
        shows: what of it; None of a mask that says nothing, which is no schema's.
        text: TEXT: what is shown of any value.
        count: KEEP_FIRST and KEEP_LAST: how many characters.

    """

    shows: Shown | None
    text: str = ""
    count: int = 0


@dataclass(frozen=True, slots=True)
class ColumnAccess:
    """Which roles may read and write a column, none stands for all; and what others see of it."""

    read: frozenset[str] = frozenset()
    write: frozenset[str] = frozenset()
    mask: ColumnMask | None = None


@dataclass(frozen=True, slots=True)
class ColumnPreset:
    """What of the caller is written in new rows, and in those that change: its name; empty for nothing."""

    create: str = ""
    update: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Field:
    """One column and the proto field that carries it."""

    name: str
    """The proto field's name."""
    column: str
    """The column's name."""
    descriptor: FieldDescriptor
    type: ValueType
    nullable: bool
    has_presence: bool
    """Whether unset can be told from the zero value: unset is NULL, or the default on create."""
    default: str | None = None
    """An SQL expression."""
    generated: str | None = None
    """An SQL expression over the row."""
    identity: bool = False
    server_set: ServerSet = ServerSet.NO
    comment: str = ""
    zero_is_default: bool = False
    """Whether the zero value of a field without presence takes the default on create: identity 0, UUID ""."""
    line: int = 0
    """Where the proto file declares it; 0 where that isn't known."""
    access: ColumnAccess = ColumnAccess()
    """Which callers may read and write it."""
    preset: ColumnPreset | None = None
    """What is written of the caller, in place of what requests say."""
    masked: bool = False
    """Whether it is read through the mask of its access, and known for nothing else: so for some callers."""

    def __repr__(self) -> str:
        return f"Field({self.descriptor.full_name}: {self.type.sql})"

    @property
    def writable(self) -> bool:
        """Whether a request's value for the field is used."""
        return self.server_set is ServerSet.NO

    @property
    def is_created(self) -> bool:
        """Whether a new row takes what its message holds."""
        return self.writable and (self.preset is None or bool(self.preset.create))

    @property
    def is_changed(self) -> bool:
        """Whether a row that changes may take what its message holds."""
        return self.writable and (self.preset is None or bool(self.preset.update))


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


class MethodKind(Enum):
    """The standard methods; values are the annotation's enum names without their prefix."""

    GET = "GET"
    LIST = "LIST"
    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    UNDELETE = "UNDELETE"
    BATCH_GET = "BATCH_GET"
    BATCH_CREATE = "BATCH_CREATE"
    BATCH_UPDATE = "BATCH_UPDATE"
    BATCH_DELETE = "BATCH_DELETE"
    COUNT = "COUNT"
    BULK_UPSERT = "BULK_UPSERT"
    STREAM = "STREAM"
    INGEST = "INGEST"
    AGGREGATE = "AGGREGATE"
    EXISTS = "EXISTS"
    UPDATE_BY_FILTER = "UPDATE_BY_FILTER"
    DELETE_BY_FILTER = "DELETE_BY_FILTER"
    SEARCH = "SEARCH"


_READS = frozenset(
    {
        *(MethodKind.GET, MethodKind.LIST, MethodKind.BATCH_GET, MethodKind.COUNT),
        *(MethodKind.AGGREGATE, MethodKind.EXISTS, MethodKind.SEARCH),
    }
)
_SELECTS = frozenset(
    {
        *(MethodKind.LIST, MethodKind.COUNT, MethodKind.STREAM),
        *(MethodKind.AGGREGATE, MethodKind.EXISTS, MethodKind.SEARCH),
    }
)


@dataclass(frozen=True, slots=True)
class Allow:
    """Who may call: those of one of the roles of whom the condition is true, where each is given.

    `file`, `line` and `where`, the full name of a service or method, are where it is declared.
    """

    roles: tuple[str, ...] = ()
    condition: str = ""
    """A filter over the caller, as it was written: it is checked where callers are known (gateway.policy)."""
    file: str = ""
    line: int = 0
    where: str = ""


MOST_BY_FILTER = 10_000
"""The most rows that a method changes which finds them by a filter, where its options don't say."""


@dataclass(frozen=True, slots=True)
class RowLimits:
    """How many rows a call may change that finds them by a filter.

    Args:
        default: where the request doesn't say; 0 where it has to.
        most: that a request may ask for.

    """

    default: int = 0
    most: int = MOST_BY_FILTER


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class Method(ABC):
    """An RPC that is served, whatever answers it: all that transport and permissions know of it.

    `request` and `response` map a role (`resource`, `rows`, `update_mask`, `etag`, …, of standard methods
    listed per kind in gateway.schema.services.standard_methods) to the message's field that plays it. A role
    that the author left out is absent.
    """

    descriptor: MethodDescriptor
    request: Mapping[str, FieldDescriptor] = field(default_factory=dict)
    response: Mapping[str, FieldDescriptor] = field(default_factory=dict)
    routes: tuple[Route, ...] = ()
    """How it is called over HTTP beside gRPC's own way, by `google.api.http`."""
    allow: Allow | None = None
    """Who may call it: its own or else its service's; None where neither says."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.kind_name} {self.path})"

    @property
    @abstractmethod
    def kind_name(self) -> str:
        """What it is called where calls of one kind are weighed or bounded together."""

    @property
    @abstractmethod
    def reads(self) -> bool:
        """Whether it is unary and known to change nothing, so that a call may be repeated or cached."""

    @property
    def selects(self) -> bool:
        """Whether it reads rows by a condition of the request's, so that its plan is worth a look."""
        return False

    @property
    def table_name(self) -> str:
        """The one table that its calls are counted by, `schema.table`; empty where there is none."""
        return ""

    @property
    def full_name(self) -> str:
        """`package.Service.Method`."""
        return str(self.descriptor.full_name)

    @property
    def path(self) -> str:
        """`/package.Service/Method`, as gRPC spells it."""
        return f"/{self.descriptor.containing_service.full_name}/{self.descriptor.name}"


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class StandardMethod(Method):
    """A standard method: an RPC bound to a resource."""

    kind: MethodKind
    resource: Resource
    keys: tuple[FieldDescriptor, ...] = ()
    """The request's key fields, in the order of the resource's primary key."""
    equals: tuple[tuple[FieldDescriptor, Field], ...] = ()
    """Methods that select rows: request fields that ask for equality with the column of the same name."""
    """Methods that find rows by a filter: request fields that ask for equality with the column they name."""
    item: "StandardMethod | None" = None
    """Batch methods: the request message of one item, bound as its single method."""
    related: Mapping[str, Resource] = field(default_factory=dict)
    """The resources that relations lead to which it reads or writes, by their messages' full names."""
    row_limits: RowLimits = RowLimits()
    """Methods that change what a filter finds: how many rows."""

    @property
    def kind_name(self) -> str:
        """The kind's."""
        return self.kind.name

    @property
    def reads(self) -> bool:
        """Whether its kind does."""
        return self.kind in _READS

    @property
    def selects(self) -> bool:
        """Whether its kind does."""
        return self.kind in _SELECTS

    @property
    def table_name(self) -> str:
        """The resource's table."""
        return f"{self.resource.schema}.{self.resource.table}"


class TransactionKind(Enum):
    """The methods whose steps are calls of others; values are the annotation's names without their prefix."""

    TRANSACT = "TRANSACT"
    SESSION = "SESSION"


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class TransactionMethod(Method):
    """A method that calls others, all in one transaction."""

    kind: TransactionKind

    @property
    def kind_name(self) -> str:
        """The kind's."""
        return self.kind.name

    @property
    def reads(self) -> bool:
        """Its steps may write."""
        return False


@dataclass(frozen=True, slots=True)
class Service:
    """A gRPC service and its bound methods."""

    full_name: str
    methods: tuple[Method, ...]

    @property
    def standard_methods(self) -> tuple[StandardMethod, ...]:
        """Those that are bound to a resource."""
        return tuple(method for method in self.methods if isinstance(method, StandardMethod))


@dataclass(frozen=True, slots=True)
class Schema:
    """All of a descriptor set: its resources by message full name, its services by full name."""

    resources: Mapping[str, Resource]
    services: Mapping[str, Service]
