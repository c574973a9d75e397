"""Methods, the services that have them, and the schema that has both."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor

from gateway.schema.consistency import Consistency
from gateway.schema.model.columns import Field
from gateway.schema.model.tables import Resource
from gateway.schema.routes import Route


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
    consistency: Consistency | None = None
    """How fresh its reads are where their callers don't say; None for what the primary has."""

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
    def is_explained(self) -> bool:
        """Whether its calls may ask for the plans of their statements, all of which read."""
        return False

    @property
    def converses(self) -> bool:
        """Whether clients look at a response before they send the next request: both ways at once."""
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
    def is_explained(self) -> bool:
        """Whether its kind reads."""
        return self.reads or self.kind is MethodKind.STREAM

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

    @property
    def converses(self) -> bool:
        """Whether it is a Session."""
        return self.kind is TransactionKind.SESSION


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
