"""PostgreSQL type names: as schemas write them → as PostgreSQL's format_type prints them."""

import re
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.types import UserDefinedType

_SPELLED = re.compile(
    r'\s*(?P<name>[A-Za-z_"][\w ."]*?)\s*'
    r"(?:\(\s*(?:(?P<modifiers>-?\d+(?:\s*,\s*-?\d+)*)|(?P<shape>[A-Za-z]+(?:\s*,\s*\d+)?))\s*\))?"
    r"(?P<zone>\s*with(?:out)?\s+time\s+zone)?\s*(?P<array>\[\s*\])?\s*",
    re.IGNORECASE,
)

# An interval's fields are a modifier too: `interval day to second(3)`.
_MODIFIERS = re.compile(r"\((?:[0-9, -]+|[A-Za-z]+(?:,[0-9]+)?)\)|(?<=^interval) [a-z ]+")
# PostGIS: https://postgis.net/docs/using_postgis_dbmanagement.html#geometry_columns.
_SHAPED = ("geometry", "geography")

# https://www.postgresql.org/docs/current/datatype.html, table 8.1: aliases.
_ALIASES = {
    "int": "integer",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float": "double precision",
    "float4": "real",
    "float8": "double precision",
    "bool": "boolean",
    "varchar": "character varying",
    "char": "character",
    "decimal": "numeric",
    "timestamptz": "timestamp with time zone",
    "timestamp": "timestamp without time zone",
    "time": "time without time zone",
    "timetz": "time with time zone",
    "varbit": "bit varying",
}


class InvalidTypeError(ValueError):
    """A field that can't be stored as asked: what is wrong, and what would be right."""

    def __init__(self, wrong: str, right: str = "") -> None:
        super().__init__(wrong)
        self.wrong = wrong
        self.right = right


@dataclass(frozen=True, slots=True)
class SqlType:
    """A type's name in full, and its modifiers, such as 12 and 2 of `numeric(12,2)`.

    `shape` are those of PostGIS's types, `Point,4326`.
    """

    name: str
    modifiers: tuple[int, ...] = ()
    shape: str = ""

    def __str__(self) -> str:
        if self.shape:
            return f"{self.name}({self.shape})"
        if not self.modifiers:
            return self.name
        name, space, zone = (
            self.name.partition(" ") if self.name.endswith(" time zone") else (self.name, "", "")
        )
        return f"{name}({','.join(map(str, self.modifiers))}){space}{zone}"


def parse_sql_type(text: str) -> tuple[SqlType, bool]:
    """Return the type, and whether it is an array of it; raises InvalidTypeError for what is no type."""
    match = _SPELLED.fullmatch(text)
    if match is None:
        raise InvalidTypeError(f'"{text}" is no PostgreSQL type', 'write it as "numeric(12,2)" or "text[]"')
    name = " ".join(f"{match['name']} {match['zone'] or ''}".split())
    name = name if '"' in name else name.lower()
    numbers = tuple(int(number) for number in match["modifiers"].split(",")) if match["modifiers"] else ()
    type_ = _in_full(_ALIASES.get(name, name), numbers)
    return replace(type_, shape=_shape(text, match)), match["array"] is not None


def _shape(text: str, match: re.Match[str]) -> str:
    """Return the shape that a type of PostGIS holds; raises InvalidTypeError for another type with one."""
    shape = "".join((match["shape"] or "").split())
    if shape and match["name"].lower().rpartition(".")[2] not in _SHAPED:
        raise InvalidTypeError(f'"{text}" is no PostgreSQL type', "a modifier is a number here")
    return shape


def without_modifiers(sql: str) -> str:
    """Return a type as SQL spells it, but for its modifiers: `numeric(12,2)[]` → `numeric[]`."""
    return _MODIFIERS.sub("", sql)


def _in_full(name: str, modifiers: tuple[int, ...]) -> SqlType:
    """Return the type with the modifier that it has unsaid, and without one that says nothing."""
    if name in ("character", "bit"):
        return SqlType(name, modifiers or (1,))
    if name == "bpchar" and modifiers:
        return SqlType("character", modifiers)
    whole = modifiers == (6,) and name.partition(" ")[0] in ("timestamp", "time", "interval")
    return SqlType(name, () if whole else modifiers)


class NamedType(UserDefinedType[Any]):
    """A type that SQLAlchemy knows by name alone."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_: Any) -> str:
        """Return the name as DDL and casts spell it."""
        return self.name


def are_comparable(one: str, other: str) -> bool:
    """Return whether PostgreSQL compares two types in a foreign key."""
    return _family(one) == _family(other)


def _family(sql: str) -> str:
    """Return what types that PostgreSQL compares in a foreign key have in common."""
    name = without_modifiers(sql)
    if name in ("smallint", "integer", "bigint", "numeric"):
        return "number"
    return "text" if name in ("text", "character varying", "citext") else name
