"""Names in the database: tables by message, constraints by convention, all within PostgreSQL's 63 bytes."""

import hashlib
import re

from sqlalchemy.dialects import postgresql

# NAMEDATALEN - 1: https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS
MAX_BYTES = 63
_DIGEST = 8
# SQLAlchemy leaves the dialect without types.
# By the default style of parameters, a % in a name would be doubled.
_PREPARER = postgresql.dialect(paramstyle="named").identifier_preparer  # type: ignore[no-untyped-call]

# What `MetaData(naming_convention=…)` takes; our own constraints are named in full, by the functions below.
CONVENTION = {
    "ix": "%(column_0_label)s_idx",
    "uq": "%(table_name)s_%(column_0_name)s_key",
    "ck": "%(table_name)s_%(constraint_name)s_check",
    "fk": "%(table_name)s_%(column_0_name)s_fkey",
    "pk": "%(table_name)s_pkey",
}


def snake_case(name: str) -> str:
    """Return `FlightLeg` as `flight_leg`, `HTTPRoute` as `http_route`."""
    parted = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", parted).lower()


def quote(name: str) -> str:
    """Return the name as SQL spells it, quoted where it must be."""
    return str(_PREPARER.quote(name))


def constraint_name(*parts: str) -> str:
    """Return the parts joined by `_`; what is longer than PostgreSQL keeps is cut, and ends in a digest."""
    whole = "_".join(parts)
    encoded = whole.encode()
    if len(encoded) <= MAX_BYTES:
        return whole
    digest = hashlib.sha256(encoded).hexdigest()[:_DIGEST]
    return encoded[: MAX_BYTES - _DIGEST - 1].decode(errors="ignore") + "_" + digest


def primary_key_name(table: str) -> str:
    """Return the primary key's name."""
    return constraint_name(table, "pkey")


def unique_name(table: str, column: str) -> str:
    """Return the name of the unique key that begins with the column."""
    return constraint_name(table, column, "key")


def index_name(table: str, column: str) -> str:
    """Return the name of the index that begins with the column."""
    return constraint_name(table, column, "idx")


def check_name(table: str, *columns: str) -> str:
    """Return the name of the check that speaks of the columns: the first one's, the table's for none."""
    return constraint_name(table, *columns[:1], "check")


def foreign_key_name(table: str, column: str) -> str:
    """Return the name of the foreign key that begins with the column."""
    return constraint_name(table, column, "fkey")
