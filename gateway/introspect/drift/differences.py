"""One difference between model and catalog, in words."""

import re
from dataclasses import dataclass
from enum import Enum

from gateway.introspect.tables.table_records import Name

DEFERRABLE = " DEFERRABLE"
"""Ends the definition of a key that is checked at COMMIT, or may be."""

NOT_VALID = " NOT VALID"
"""Ends the definition of a constraint that may not hold for the rows that were there before it."""

_VARCHAR = re.compile(r"character varying(\(\d+\))?")


def is_shorter_text(wanted: str | None, found: str | None) -> bool:
    """Return whether the type found is the text that is wanted, but for its length."""
    return wanted == "text" and bool(_VARCHAR.fullmatch(found or ""))


def is_unproven(wanted: str | None, found: str | None) -> bool:
    """Return whether the constraint found is the one that is wanted, but for rows from before it."""
    return found is not None and found == f"{wanted}{NOT_VALID}"


class Kind(Enum):
    """What differs; values are what a reader calls it."""

    SCHEMA = "schema"
    EXTENSION = "extension"
    ENUM = "enum type"
    LABEL = "label"
    TABLE = "table"
    PARTITIONED = "partitioning"
    PARTITION = "partition"
    DISTRIBUTION = "distribution"
    TWO_PHASES = "commit in two phases"
    CHILDREN = "inheritance"
    RULES = "rules"
    CASCADES = "cascades"
    UNFILLED = "unfilled columns"
    COLUMN = "column"
    TYPE = "type"
    NULLABLE = "nullability"
    DEFAULT = "default"
    GENERATED = "generated expression"
    IDENTITY = "identity"
    KEY = "key"
    CHECK = "check"
    FOREIGN_KEY = "foreign key"
    INDEX = "index"
    COMMENT = "comment"


class Change(Enum):
    """How it differs, seen from the database."""

    MISSING = "missing"
    DIFFERENT = "different"
    EXTRA = "extra"
    IN_THE_WAY = "in the way"
    """Extra, and no row can be inserted while it is there."""


_OF_TABLES = {
    Kind.UNFILLED: "has columns ({}) without a default that can't be NULL, of which the schema says nothing: "
    "no row can be inserted",
    Kind.CHILDREN: "is inherited by {}: its keys aren't unique over those rows, which are its rows too",
    Kind.RULES: "has rules ({}), with which PostgreSQL refuses writes: triggers are in no way",
    Kind.CASCADES: "is referred to by {} ON DELETE CASCADE: Delete takes those rows too, without force",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """What one thing is in the database, and what the schema says.

    Args:
        kind: what differs.
        change: how.
        table: the table, or the enum type, that has it.
        name: the column, constraint, index, label, schema or extension; empty where it is the table itself.
        wanted: what the schema says, as SQL; None for nothing.
        found: what the database has, likewise.

    """

    kind: Kind
    change: Change
    table: Name | None = None
    name: str = ""
    wanted: str | None = None
    found: str | None = None

    @property
    def forbids_serving(self) -> bool:
        """Whether statements would fail, or rows be let in that the schema forbids.

        What the database has beside the schema is fine. Statements name their columns, so an extra column
        does no harm while inserts can leave it out; an extra check or key refuses rows, with a clear error,
        and so do a length and an identity ALWAYS; a default fills what would be NULL; an extra label can't be
        dropped in PostgreSQL. A missing index is slow, not wrong, unless unique. A constraint that
        isn't valid yet refuses new rows all the same. Rules are in the way of writes, and not of reads.
        Rows of tables that the schema doesn't name are the database's affair, also when they go.
        """
        harmless = {
            Kind.COMMENT: True,
            Kind.RULES: True,
            Kind.CASCADES: True,
            Kind.UNFILLED: True,
            Kind.ENUM: self.change is not Change.MISSING,
            Kind.INDEX: not any((text or "").startswith("UNIQUE") for text in (self.wanted, self.found)),
            Kind.TYPE: is_shorter_text(self.wanted, self.found),
            Kind.DEFAULT: self.wanted is None,
            Kind.IDENTITY: None not in (self.wanted, self.found),
            Kind.CHECK: is_unproven(self.wanted, self.found),
            Kind.FOREIGN_KEY: is_unproven(self.wanted, self.found),
        }
        return self.change is not Change.EXTRA and not harmless.get(self.kind, False)

    def __str__(self) -> str:
        where = self._where()
        match self.change:
            case Change.MISSING:
                return f"{where} is missing" + (f": the schema says {self.wanted}" if self.wanted else "")
            case Change.EXTRA:
                return f"{where} is in the database only" + (f": {self.found}" if self.found else "")
            case Change.IN_THE_WAY:
                return f"{where} is in the database only, NOT NULL without a default: no row can be inserted"
            case Change.DIFFERENT:
                return f"{where} {self._values()}"

    def _where(self) -> str:
        if self.kind in (Kind.SCHEMA, Kind.EXTENSION):
            return f"{self.kind.value} {self.name}"
        if self.kind in (Kind.ENUM, Kind.LABEL):
            return f"enum type {self.table}" + (f": label {self.name}" if self.name else "")
        if not self.name:
            own = self.kind in (Kind.COMMENT, Kind.TWO_PHASES)
            return f"table {self.table}" + (f": its {self.kind.value}" if own else "")
        if self.kind in (Kind.KEY, Kind.CHECK, Kind.FOREIGN_KEY, Kind.INDEX):
            return f"table {self.table}: {self.kind.value} {self.name}"
        return f"table {self.table}: column {self.name}"

    def _values(self) -> str:
        wanted, found = self.wanted or "none", self.found or "none"
        if self.kind in _OF_TABLES:
            return _OF_TABLES[self.kind].format(found)
        if self.kind in (Kind.DEFAULT, Kind.GENERATED, Kind.IDENTITY):
            return f"has the {self.kind.value} {found}, the schema says {wanted}"
        if self.kind is Kind.COMMENT:
            return "comment differs" if self.name else "differs"
        if self.kind is Kind.KEY and found.endswith(DEFERRABLE):
            return f"is {found}, the schema says {wanted}: ON CONFLICT takes no key that can be deferred"
        return f"is {found}, the schema says {wanted}"
