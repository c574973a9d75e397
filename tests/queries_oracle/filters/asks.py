"""What may be asked of the fields of a table, by their kinds."""

from collections.abc import Mapping, Sequence
from random import Random

from tests.queries_oracle import kinds
from tests.queries_oracle.filters.conditions import (
    Ask,
    Condition,
    Subject,
    compared,
    day,
    holds,
    length,
    matches,
    null,
    of_text,
    one_of,
    other_field,
    part,
    pattern,
    relative,
    spelled_span,
    spelled_time,
    there,
    time_part,
)
from tests.queries_oracle.filters.documents import (
    element,
    in_document,
    in_message,
    in_messages,
    key,
    value_of_key,
)
from tests.queries_oracle.kinds import quoted, string
from tests.queries_oracle.tables import Field, Table

_TEXTUAL: Sequence[Ask] = (
    *(compared, compared, one_of, pattern, of_text, holds, part, matches, length, other_field),
)
_NUMERIC: Sequence[Ask] = (compared, compared, one_of, other_field)
_TEMPORAL: Sequence[Ask] = (
    *(compared, compared, spelled_time, time_part, day, relative, one_of, other_field),
)
_BY_KIND: Mapping[str, Sequence[Ask]] = {
    "text": _TEXTUAL,
    "varchar": _TEXTUAL,
    "wrapped text": _TEXTUAL,
    "timestamp": _TEMPORAL,
    "local": _TEMPORAL,
    "duration": (*_NUMERIC, spelled_span),
    "bytes": (compared, length),
    "words": (element, length),
    "bigs": (element, length),
    "doubles": (element, length),
    "texts by key": (key, value_of_key, value_of_key),
    "ints by key": (key, value_of_key, value_of_key),
    "address": (in_message,),
    "stops": (in_messages,),
    "struct": (in_document,),
    "json text": (in_document,),
}


def asks_of(field: Field) -> Sequence[Ask]:
    """Return what may be asked of a field."""
    name = field.kind.name
    asks = _BY_KIND.get(name, (element, length) if name.startswith("list of") else _NUMERIC)
    if name.startswith("enum") or name.endswith("bool"):
        asks = (compared, one_of)
    elif name.startswith("vector"):
        asks = ()
    return (*asks, *asks, there, *([null] if field.optional else []))


def subject_of(table: Table, name: str) -> Subject:
    """Return a field as a condition's subject."""
    field, column = table.fields[name], table.column(name)
    return Subject(name, column, field.kind, present(field, column))


def present(field: Field, column: str) -> str:
    """Return whether a field is there: set, not empty, and without presence not its zero."""
    cast, kind = field.kind.cast, field.kind
    if cast.endswith("[]"):
        found = f"cardinality({column}) > 0"
    elif kind in (kinds.STOPS, kinds.TEXT_MAP, kinds.INT_MAP, kinds.STRUCT):
        found = f"{column} NOT IN ('[]', '{{}}')"
    elif kind is kinds.BYTES or (cast.startswith(("text", "varchar")) and not kind.name.startswith("enum")):
        found = f"length({column}) > 0"
    elif field.optional or kind is kinds.UUID or cast.startswith("vector"):
        return f"{column} IS NOT NULL"
    else:
        found = f"{column} <> {kind.sql(kind.zero)}"
    return f"coalesce({found}, false)"


def word(table: Table, chance: Random) -> Condition:
    """Draw a word that stands alone: it is never unknown."""
    text = chance.choice(("a", "É", "zürich", "50%", "_", "null", "日本", "it's"))
    found = [
        f"coalesce(position(lower({string(text)}::text) in lower({table.column(name)})) > 0, false)"
        for name, field in table.fields.items()
        if field.searched
    ]
    return Condition(quoted(text), f"({' OR '.join(found) or 'false'})")


def drawn_condition(table: Table, chance: Random, names: Sequence[str] = ()) -> Condition:
    """Draw a condition on a table's rows, on some of its fields or on any."""
    if not names and chance.random() < 0.05:
        return word(table, chance)
    name = chance.choice(names or tuple(table.fields))
    return chance.choice(asks_of(table.fields[name]))(subject_of(table, name), table, chance)
