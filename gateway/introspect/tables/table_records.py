"""Tables as neutral records that compare by value.

Both sides of every comparison are these records, and both were spelled by the same PostgreSQL: types by
`format_type`, expressions by `pg_get_expr`, so that equal text means equal meaning.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Name(NamedTuple):
    """A schema and a name in it."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class Column:
    """A column. `default` and `generated` are expressions; `identity` is ALWAYS, BY DEFAULT or empty."""

    name: str
    type: str
    nullable: bool
    default: str | None = None
    generated: str | None = None
    identity: str = ""
    comment: str | None = None
    base: str | None = None
    """The type that a domain is over, at last; of an array of a domain, its elements' domain."""
    fill: str | None = field(default=None, compare=False)
    """What the rows get that are there when the model's column is added: the default while there are
    gateways from before it, which insert without it. None also where nobody asked."""
    unfit: str = field(default="", compare=False)
    """Why those rows can't get it."""

    @property
    def stored_type(self) -> str:
        """The type of its values: below its domain, though not below that of an array's elements."""
        return self.base if self.base and not self.type.endswith("[]") else self.type

    @property
    def fills_itself(self) -> bool:
        """Whether a row can do without a value for it."""
        return self.nullable or bool(self.default or self.generated or self.identity)


@dataclass(frozen=True, slots=True)
class Key:
    """A primary key or a unique constraint."""

    name: str
    columns: tuple[str, ...]
    primary: bool = False
    nulls_not_distinct: bool = False
    deferrable: bool = False
    """Whether two rows may have one key until COMMIT; ON CONFLICT doesn't take such a key."""


@dataclass(frozen=True, slots=True)
class Check:
    """A check constraint; `columns` are those that its expression reads."""

    name: str
    expression: str
    columns: tuple[str, ...] = ()
    enforced: bool = True
    valid: bool = True
    """Whether it is known to hold for the rows that were there before it."""


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key; actions as SQL spells them."""

    name: str
    columns: tuple[str, ...]
    target: Name
    target_columns: tuple[str, ...]
    on_delete: str = "NO ACTION"
    on_update: str = "NO ACTION"
    enforced: bool = True
    valid: bool = True
    """Whether it is known to hold for the rows that were there before it."""


@dataclass(frozen=True, slots=True)
class Index:
    """An index that no constraint owns. `columns` as PostgreSQL prints them: `origin`, `at DESC`."""

    name: str
    columns: tuple[str, ...]
    method: str = "btree"
    unique: bool = False
    nulls_not_distinct: bool = False
    include: tuple[str, ...] = ()
    where: str | None = None
    parameters: tuple[str, ...] = ()
    """Storage parameters that the model may say, as `m=32`: an HNSW index's that aren't pgvector's own."""
    reads: tuple[str, ...] = ()
    """Every column that the index depends on, also through an expression or its predicate."""
    plain: tuple[str, ...] = ()
    """The names of its columns, where each is a column and none an expression."""

    @property
    def is_key(self) -> bool:
        """Whether it enforces what a unique constraint would."""
        return self.unique and self.where is None and self.method == "btree" and bool(self.plain)


@dataclass(frozen=True, slots=True)
class Distribution:
    """How Citus spreads a table's rows over its nodes.

    Args:
        column: the column whose value says the shard of a row; None of a reference table.
        colocated: tables whose rows of the same value are on the same node; in a model those that have to be.
        otherwise: how it is spread where that is neither.

    """

    column: str | None
    colocated: frozenset[Name] = frozenset()
    otherwise: str = ""

    def __str__(self) -> str:
        if self.otherwise or self.column is None:
            return self.otherwise or "a reference table"
        beside = ", ".join(map(str, sorted(self.colocated)))
        return f'distributed by "{self.column}"' + (f" beside {beside}" if beside else "")


@dataclass(frozen=True, slots=True)
class Table:
    """A table; each mapping is by name, columns in their order."""

    name: Name
    columns: Mapping[str, Column]
    keys: Mapping[str, Key]
    checks: Mapping[str, Check]
    foreign_keys: Mapping[str, ForeignKey]
    indexes: Mapping[str, Index]
    comment: str | None = None
    children: tuple[Name, ...] = ()
    """Tables that inherit from it; partitions are none."""
    rules: tuple[str, ...] = ()
    """Rules (CREATE RULE) that rewrite what is written to it."""
    cascades: tuple[tuple[Name, str], ...] = ()
    """Tables and their foreign keys by which PostgreSQL removes rows with those of this table."""
    has_deferrable_keys: bool = False
    """Whether a unique or exclusion constraint of it, or of a partition, is deferrable."""
    is_partitioned: bool = field(default=False, compare=False)
    partition_key: str = field(default="", compare=False)
    """By what its rows are in partitions, as `LIST (kind)`; empty where they are in none."""
    partitions: Mapping[Name, frozenset[str]] = field(default_factory=dict, compare=False)
    """The values of each partition by list, in text."""
    partition_indexes: Mapping[str, str] = field(default_factory=dict, compare=False)
    """The names of its unique indexes by those that partitions have of them, at whatever level."""
    parts: frozenset[str] = field(default=frozenset(), compare=False)
    """The names of its partitions, at whatever level."""
    is_partition: bool = field(default=False, compare=False)
    """Whether its rows are another table's."""
    is_view: bool = field(default=False, compare=False)
    """Whether it is a view, or anything else whose rows and keys PostgreSQL doesn't keep itself."""
    writes: frozenset[str] = field(default=frozenset(), compare=False)
    """Those of INSERT, UPDATE and DELETE that PostgreSQL lets it be written by."""
    distribution: Distribution | None = field(default=None, compare=False)
    """How Citus spreads its rows; None where they are on one node."""
    in_two_phases: bool = field(default=False, compare=False)
    """Whether transactions that write it are committed by all of Citus' nodes, or by none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What tables need around them."""

    schemas: frozenset[str]
    extensions: frozenset[str]
    enums: Mapping[Name, tuple[str, ...]]
    """Enum types' labels, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog(Surroundings):
    """What a database holds, as far as it was asked for."""

    tables: Mapping[Name, Table]
    others: Mapping[Name, str] = field(default_factory=dict)
    """What bears a table's name and is none, such as `a view`."""
    loose: frozenset[Name] = frozenset()
    """What bears a partition's name and is none of its table's."""
