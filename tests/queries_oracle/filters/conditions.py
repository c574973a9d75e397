"""Conditions on one field: as docs/filters.md has them, and in SQL by hand over the table as `t`."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta, timezone
from random import Random

from tests.queries_oracle import kinds
from tests.queries_oracle.kinds import TEXTS, quoted, string
from tests.queries_oracle.tables import Table


@dataclass(frozen=True, slots=True)
class Condition:
    """What a filter says, and SQL that means the same."""

    text: str
    sql: str


@dataclass(frozen=True, slots=True)
class Subject:
    """What a condition is about: a field, or something below it.

    Args:
        path: in filters.
        sql: its value.
        kind: of its values.
        present: whether it is there, in SQL that is never NULL.

    """

    path: str
    sql: str
    kind: kinds.Kind
    present: str = ""


Ask = Callable[[Subject, Table, Random], Condition]
_TEXTS = ("text", "varchar", "wrapped text")
SIGNS = ("=", "!=", "<", "<=", ">", ">=")
_FOLD = "lower(regexp_replace(normalize({}, NFD), '[\u0300-\u036f]', '', 'g'))"
_OF_TEXT: Mapping[str, str] = {"lower": "lower({})", "upper": "upper({})", "fold": _FOLD}
_EXPRESSIONS: Sequence[tuple[str, str]] = (
    ("^a", "^a"),
    ("b$", "b$"),
    ("(?i)^É", "(?i)^É"),
    ("[a-cZ]", "[a-cZ]"),
    ("^[^a-z]+$", "^[^a-z]+$"),
    (r"\\d", "[0-9]"),
    (r"\\w{2,}", "[A-Za-z0-9_]{2,}"),
    ("(a|ß).?b*$", "(a|ß).?b*$"),
    (r"\\*|%", r"\*|%"),
    (r"\\s", r"\s"),
    ("", ""),
)
_PARTS = ("a", "A", "é", "e", "ü", "%", "_", "\\", "*", '"', "'", "日", "", "i", "\n", "${")
_SPANS = {
    "90m": "90 minutes",
    "2d": "2 days",
    "1w": "7 days",
    "9d12h": "9 days 12 hours",
    "1000h": "1000 hours",
}
_ZONE = timezone(timedelta(hours=-4, minutes=-30))


def sql_sign(sign: str) -> str:
    """Return a comparator in SQL."""
    return "<>" if sign == "!=" else "=" if sign == ":" else sign


def compared(subject: Subject, _table: Table, chance: Random) -> Condition:
    """Compare with a value."""
    kind = subject.kind
    assert kind.literal is not None
    equals = kind.name.startswith(("enum", "bool", "wrapped bool"))
    sign = chance.choice(("=", "!=", ":") if equals else SIGNS)
    value = kind.draw(chance)
    space = chance.choice(("", " "))
    return Condition(
        f"{subject.path}{space}{sign}{space}{kind.literal(value)}",
        f"{subject.sql} {sql_sign(sign)} {kind.sql(value)}",
    )


def one_of(subject: Subject, _table: Table, chance: Random) -> Condition:
    """Compare with several values."""
    kind = subject.kind
    assert kind.literal is not None
    values = [kind.draw(chance) for _ in range(chance.randrange(1, 4))]
    spelled = [kind.literal(one) for one in values]
    listed = f"{subject.path} IN ({', '.join(spelled)})"
    either = f"{subject.path} = ({' OR '.join(spelled)})"
    return Condition(
        chance.choice((listed, either)), f"{subject.sql} IN ({', '.join(kind.sql(one) for one in values)})"
    )


def null(subject: Subject, _table: Table, chance: Random) -> Condition:
    """Ask whether it is NULL."""
    sign = chance.choice(("=", "!="))
    return Condition(f"{subject.path} {sign} null", f"{subject.sql} IS {'NOT ' if sign == '!=' else ''}NULL")


def there(subject: Subject, _table: Table, _chance: Random) -> Condition:
    """Ask whether it is there."""
    return Condition(f"{subject.path}:*", subject.present)


def other_field(subject: Subject, table: Table, chance: Random) -> Condition:
    """Compare with another field of its kind."""
    alike = _TEXTS if subject.kind.name in _TEXTS else (subject.kind.name,)
    others = [name for name, one in table.fields.items() if one.kind.name in alike]
    other = chance.choice(others)
    sign = chance.choice(SIGNS)
    collation = ' COLLATE "C"' if subject.kind.cast.startswith(("text", "varchar")) else ""
    return Condition(
        f"{subject.path} {sign} field({other})",
        f"{subject.sql}{collation} {sql_sign(sign)} {table.column(other)}{collation}",
    )


def pattern(subject: Subject, _table: Table, chance: Random) -> Condition:
    """Compare a text with a pattern."""
    function = chance.choice(("", "", "lower", "upper", "fold"))
    made = _OF_TEXT.get(function, "{}")
    parts = [chance.choice(_PARTS) for _ in range(chance.randrange(2, 4))]
    text = "*".join(quoted(part)[1:-1] for part in parts)
    escaped = [re.sub(r"([\\%_])", r"\\\1", part) for part in parts]
    like = made.format(f"{string('%'.join(escaped))}::text")
    sign = chance.choice(("=", "!="))
    path = f"{function}({subject.path})" if function else subject.path
    return Condition(
        f'{path} {sign} "{text}"', f"{made.format(subject.sql)} {'NOT ' if sign == '!=' else ''}LIKE {like}"
    )


def of_text(subject: Subject, _table: Table, chance: Random) -> Condition:
    """Compare what a function makes of a text."""
    function = chance.choice(tuple(_OF_TEXT))
    made, sign, text = _OF_TEXT[function], chance.choice(SIGNS), chance.choice(TEXTS)
    path = f"{function}({subject.path})"
    if "." not in subject.path and chance.random() < 0.3:
        path = f"{subject.path}.{function}()"
    return Condition(
        f"{path} {sign} {quoted(text)}",
        f"{made.format(subject.sql)} {sql_sign(sign)} {made.format(f'{string(text)}::text')}",
    )


def holds(subject: Subject, _table: Table, chance: Random) -> Condition:
    """Ask whether a text holds another, whatever its case."""
    part = chance.choice(_PARTS)
    lowered = f"lower({string(part)}::text)"
    return Condition(f"{subject.path}:{quoted(part)}", f"position({lowered} in lower({subject.sql})) > 0")


def part(subject: Subject, _table: Table, chance: Random) -> Condition:
    """Ask for the beginning, the end or a part of a text."""
    wrapped = chance.choice(("", "", "lower", "fold"))
    made = _OF_TEXT.get(wrapped, "{}")
    part = chance.choice(_PARTS)
    path, value = f"{wrapped}({subject.path})" if wrapped else subject.path, made.format(subject.sql)
    wanted = made.format(f"{string(part)}::text")
    name, sql = chance.choice(
        (
            ("startsWith", f"left({value}, length({wanted})) = {wanted}"),
            ("endsWith", f"right({value}, length({wanted})) = {wanted}"),
            ("contains", f"position({wanted} in {value}) > 0"),
        )
    )
    if not wrapped and chance.random() < 0.5:
        return Condition(f"{path}.{name}({quoted(part)})", sql)
    return Condition(f"{name}({path}, {quoted(part)})", sql)


def matches(subject: Subject, _table: Table, chance: Random) -> Condition:
    """Ask for a text by a regular expression."""
    ours, theirs = chance.choice(_EXPRESSIONS)
    return Condition(f'{subject.path}.matches("{ours}")', f"{subject.sql} ~ {string(theirs)}")


def length(subject: Subject, _table: Table, chance: Random) -> Condition:
    """Ask how long a text, bytes or a list is."""
    sign, number = chance.choice(SIGNS), chance.randrange(-1, 6)
    function = "cardinality" if subject.kind.cast.endswith("[]") else "length"
    return Condition(
        f"length({subject.path}) {sign} {number}", f"{function}({subject.sql}) {sql_sign(sign)} {number}"
    )


def spelled_time(subject: Subject, _table: Table, chance: Random) -> Condition:
    """Compare with a moment that is told in another zone, with and without quotes and a function."""
    value = chance.choice([one for one in kinds.MOMENTS if 1 < one.year < 9999])
    text = value.astimezone(_ZONE).isoformat()
    spelled = chance.choice((text, f'"{text}"', f'timestamp("{text}")'))
    sign = chance.choice(SIGNS)
    return Condition(
        f"{subject.path} {sign} {spelled}", f"{subject.sql} {sql_sign(sign)} {subject.kind.sql(value)}"
    )


def time_part(subject: Subject, _table: Table, chance: Random) -> Condition:
    """Ask for the year of a time, or another part of it."""
    name = chance.choice(("year", "month", "day", "hour", "weekday"))
    sign, number = chance.choice(SIGNS), chance.choice((1, 2, 4, 12, 15, 23, 29, 1969, 2012, 2024, 9999))
    part = "isodow" if name == "weekday" else name
    return Condition(
        f"{name}({subject.path}) {sign} {number}",
        f"extract({part} from {_in_utc(subject)}) {sql_sign(sign)} {number}",
    )


def day(subject: Subject, _table: Table, chance: Random) -> Condition:
    """Ask for the day of a time."""
    sign, day = chance.choice(SIGNS), kinds.DATE.draw(chance)
    return Condition(
        f'date({subject.path}) {sign} "{day}"', f"({_in_utc(subject)})::date {sql_sign(sign)} '{day}'::date"
    )


def _in_utc(subject: Subject) -> str:
    return subject.sql if subject.kind.cast == "timestamp" else f"({subject.sql} AT TIME ZONE 'UTC')"


def relative(subject: Subject, _table: Table, chance: Random) -> Condition:
    """Compare a time with that of the request."""
    span, sign = chance.choice(tuple(_SPANS)), chance.choice(("<", "<=", ">", ">="))
    called, shift = chance.choice(
        (
            ("now()", ""),
            (f"ago({span})", f" - interval '{_SPANS[span]}'"),
            (f"fromNow({span})", f" + interval '{_SPANS[span]}'"),
        )
    )
    now = "(now() AT TIME ZONE 'UTC')" if subject.kind.cast == "timestamp" else "now()"
    return Condition(f"{subject.path} {sign} {called}", f"{subject.sql} {sign} {now}{shift}")


def spelled_span(subject: Subject, _table: Table, chance: Random) -> Condition:
    """Compare a duration with one that is spelled otherwise."""
    text, sql = chance.choice(
        (("1h30m", "90 minutes"), ('duration("20s")', "20 s"), ("1.2s", "1.2 s"), ("0s", "0"))
    )
    sign = chance.choice(SIGNS)
    return Condition(f"{subject.path} {sign} {text}", f"{subject.sql} {sql_sign(sign)} interval '{sql}'")
