"""Conditions on lists, maps, messages and documents: as docs/filters.md has them, and in SQL by hand."""

from collections.abc import Mapping
from random import Random

from tests.queries_oracle import kinds
from tests.queries_oracle.filters.conditions import (
    SIGNS,
    Condition,
    Subject,
    compared,
    holds,
    null,
    one_of,
    part,
    pattern,
    sql_sign,
    there,
)
from tests.queries_oracle.kinds import ADDRESS_ZEROS, KEYS, STOP_ZEROS, quoted, string
from tests.queries_oracle.tables import Table


def element(subject: Subject, _table: Table, chance: Random) -> Condition:
    """Ask whether a list holds a value, or both of two."""
    one = subject.kind.element
    assert one is not None
    assert one.literal is not None
    values = [one.draw(chance) for _ in range(chance.choice((1, 1, 2)))]
    spelled = [one.literal(value) for value in values]
    sql = " AND ".join(f"{one.sql(value)} = ANY ({subject.sql})" for value in values)
    text = spelled[0] if len(spelled) == 1 else f"({' '.join(spelled)})"
    return Condition(f"{subject.path}:{text}", f"({sql})")


def key(subject: Subject, _table: Table, chance: Random) -> Condition:
    """Ask whether a map has a key: `:*` is never unknown, where the row of the map isn't there neither."""
    key = chance.choice(KEYS)
    name = key if key.isascii() and key.isalpha() and chance.random() < 0.5 else quoted(key)
    has = f"{subject.sql} ? {string(key)}"
    if chance.choice(("", ":*")):
        return Condition(f"{subject.path}.{name}:*", f"coalesce({has}, false)")
    return Condition(f"{subject.path}:{name}", has)


def value_of_key(subject: Subject, table: Table, chance: Random) -> Condition:
    """Ask for the value of a map's key, which is NULL where it isn't there."""
    key = chance.choice(KEYS)
    path = f"{subject.path}.{key if key.isascii() and key.isalpha() else quoted(key)}"
    value = f"({subject.sql} ->> {string(key)})"
    if subject.kind is kinds.TEXT_MAP:
        below = Subject(path, value, kinds.TEXT)
        return chance.choice((compared, pattern, null, one_of))(below, table, chance)
    below = Subject(path, f"{value}::integer", kinds.INT)
    return chance.choice((compared, null, one_of))(below, table, chance)


_INSIDE: Mapping[str, kinds.Kind] = {
    "street": kinds.TEXT,
    "number": kinds.INT,
    "floor": kinds.TEXT,
    "lift": kinds.BOOL,
}


def in_message(subject: Subject, table: Table, chance: Random) -> Condition:
    """Ask for a field of a stored message: its zero where it was left out, and NULL where the message is."""
    name = chance.choice(tuple(_INSIDE))
    kind = _INSIDE[name]
    stored = f"({subject.sql} ->> '{name}')::{kind.cast}"
    if name in ADDRESS_ZEROS:
        zero = kind.sql(ADDRESS_ZEROS[name])
        value = f"CASE WHEN {subject.sql} IS NOT NULL THEN coalesce({stored}, {zero}) END"
        present = f"coalesce({stored} <> {zero}, false)"
    else:
        value, present = stored, f"coalesce({stored} <> '', false)"
    below = Subject(f"{subject.path}.{name}", f"({value})", kind, present)
    asks = [compared, null, there, member, *([pattern, part, holds] if kind is kinds.TEXT else [])]
    return chance.choice(asks)(below, table, chance)


def member(subject: Subject, _table: Table, _chance: Random) -> Condition:
    """Ask whether a field is there, as AIP-160 spells it of a message that holds it."""
    message, _, name = subject.path.rpartition(".")
    return Condition(f"{message}:{name}", subject.present)


def in_messages(subject: Subject, _table: Table, chance: Random) -> Condition:
    """Ask whether one of several stored messages has a value."""
    elements = f"jsonb_array_elements({subject.sql}) AS e"
    if chance.random() < 0.2:
        name, spelled = chance.choice(tuple(STOP_ZEROS)), chance.choice((".{}:*", ":{}"))
        there = f"coalesce(e ->> '{name}', '') NOT IN ('', '0')"
        return Condition(
            f"{subject.path}{spelled.format(name)}", f"EXISTS (SELECT FROM {elements} WHERE {there})"
        )
    if chance.random() < 0.4:
        days = chance.choice((0, 1, 7))
        return Condition(
            f"{subject.path}.days:{days}",
            f"EXISTS (SELECT FROM {elements} WHERE coalesce((e ->> 'days')::integer, 0) = {days})",
        )
    text, like = chance.choice(
        (("Rome", "Rome"), ('"Ro*"', "Ro%"), (r'"Ro\*"', "Ro*"), ('""', STOP_ZEROS["city"]), ("rômé", "rômé"))
    )
    return Condition(
        f"{subject.path}.city:{text}",
        f"EXISTS (SELECT FROM {elements} WHERE coalesce(e ->> 'city', '') LIKE {string(like)})",
    )


def in_document(subject: Subject, _table: Table, chance: Random) -> Condition:
    """Ask for a value of a document, which is NULL where it has another type than the literal."""
    key = chance.choice(("size", "name", "a"))
    value, kind = f"({subject.sql} -> '{key}')", chance.choice(("number", "string", "boolean"))
    sign = chance.choice(SIGNS)
    if kind == "number":
        literal, sql = chance.choice((("4", "4"), ("3", "3"), ("7.5", "7.5"), ("-1e300", "-1e300")))
        compared = f"({value} #>> '{{}}')::numeric {sql_sign(sign)} {sql}"
    elif kind == "string":
        text, sign = chance.choice(("Ab", "a", "", "école", "7")), chance.choice(("=", "!="))
        literal, compared = quoted(text), f"({value} #>> '{{}}') {sql_sign(sign)} {string(text)}"
    else:
        literal, sign = chance.choice(("true", "false")), chance.choice(("=", "!="))
        compared = f"({value} #>> '{{}}')::boolean {sql_sign(sign)} {literal}"
    return Condition(
        f"{subject.path}.{key} {sign} {literal}",
        f"CASE WHEN jsonb_typeof({value}) = '{kind}' THEN {compared} END",
    )
