"""The types of a statement's columns as PostgreSQL describes them, compared with those of the schema.

A column that is altered while the gateway serves comes as values of another type: some that no message takes,
others that are taken for what they aren't. PostgreSQL tells a statement's types when it is prepared, and has
it prepared anew when one of them changes; so a look there costs nothing later.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from gateway.db.driver_errors import UnfitColumnError
from gateway.schema.model import Field
from gateway.schema.types.sql_types import without_modifiers
from gateway.schema.values import ValueKind
from gateway.sql.statement import Statement

if TYPE_CHECKING:
    from asyncpg import Attribute, Type

_BUILTIN = "pg_catalog"
_TEXT = "text"
# Types by the form of their values, as schemas and as pg_type spell them.
_FORMS = {
    "int2": ("smallint", "int2"),
    "int4": ("integer", "int4"),
    "int8": ("bigint", "int8"),
    "float4": ("real", "float4"),
    "float8": ("double precision", "float8"),
    "boolean": ("boolean", "bool"),
    _TEXT: ("text", "character varying", "character", "varchar", "bpchar", "char", "name", "xml"),
    "timestamptz": ("timestamp with time zone", "timestamptz"),
    "timestamp": ("timestamp without time zone", "timestamp"),
    "time": ("time without time zone", "time"),
    **{name: (name,) for name in ("numeric", "bytea", "uuid", "inet", "date", "interval", "point")},
    **{name: (name,) for name in ("json", "jsonb")},
}
_FORM_OF = {name: form for form, names in _FORMS.items() for name in names}
# Forms that the driver gives and takes as the same values.
_ALIKE = {"int2": "int8", "int4": "int8", "float4": "float8", "jsonb": "json"}


class _Type(NamedTuple):
    form: str
    is_array: bool

    @property
    def values(self) -> tuple[str, bool]:
        """What the driver makes of it."""
        return _ALIKE.get(self.form, self.form), self.is_array


def compare_columns(statement: Statement, attributes: Sequence["Attribute"]) -> bool:
    """Return whether each column's values are, byte by byte, of the form that its field's are sent in.

    Raises UnfitColumnError where the driver would make other values of them.

    Args:
        statement: what was prepared; its fields' columns are the last of its rows.
        attributes: the columns of its rows.

    """
    alike = True
    fields = statement.fields
    for field, attribute in zip(fields, attributes[len(attributes) - len(fields) :], strict=True):
        wanted, found = _wanted(field), _found(attribute.type)
        if wanted is None or wanted == found:
            continue
        if wanted.values != found.values:
            told = f"{statement.name}: column {field.column} is {attribute.type.name}, not {field.type.sql}"
            raise UnfitColumnError(told, field.column)
        alike = False
    return alike


def are_alike(one: str, other: str) -> bool:
    """Return whether the driver makes the same values of two types, both as SQL spells them."""
    first, second = (_type_of(sql, is_enum=False) for sql in (one, other))
    return first is not None and second is not None and first.values == second.values


def _wanted(field: Field) -> _Type | None:
    """Return what a field is stored as; None where nothing is known of that."""
    type_ = field.type
    if type_.text_cast:
        return _Type(_TEXT, type_.element is not None)
    return _type_of(type_.sql, is_enum=(type_.element or type_).kind is ValueKind.ENUM)


@lru_cache(maxsize=1024)
def _type_of(sql: str, *, is_enum: bool) -> _Type | None:
    name = without_modifiers(sql).removesuffix("[]")
    form = _FORM_OF.get(name, _TEXT if is_enum else None)
    return None if form is None else _Type(form, sql.endswith("[]"))


def _found(type_: "Type") -> _Type:
    is_array = type_.kind == "array"
    name = type_.name.removesuffix("[]").removeprefix("_") if is_array else type_.name
    # Enums and the types of extensions travel as text.
    unknown = name if type_.schema == _BUILTIN or type_.kind not in ("scalar", "array") else _TEXT
    return _Type(_FORM_OF.get(name, unknown), is_array)
