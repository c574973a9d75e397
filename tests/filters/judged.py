"""Filters with functions, drawn beside what plain Python says of them: true, false or None, the unknown."""

import operator
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

Row = Mapping[str, Any]
Verdict = bool | None

TEXTS = [
    "",
    "a",
    "ab",
    "aab",
    "Ab",
    "AB",
    "ÉCOLE",
    "école",
    "Ecole",
    "Zürich",
    "zurich",
    "a%b",
    "a_b",
    "b\\a",
]
NUMBERS = [-7, -1, 0, 1, 2, 42]
AGES = [
    timedelta(days=-400),
    timedelta(days=-10),
    timedelta(hours=-30),
    timedelta(hours=-1),
    timedelta(hours=5),
]
"""How far the times of rows are from when they are stored; filters ask for others."""
SPANS = ["90m", "2d", "1w", "9d12h", "0.5h", "1000h"]
TIMES = [
    datetime(2012, 4, 21, 15, 30, tzinfo=UTC),
    datetime(2000, 1, 1, tzinfo=UTC),
    datetime(2024, 2, 29, 23, 59, 59, 123456, tzinfo=UTC),
    datetime(1999, 12, 31, 23, tzinfo=UTC),
]
LISTS: Sequence[list[str]] = [[], ["a"], ["a", "b"], ["c", "c", "c"]]
DOCUMENTS: Sequence[Any] = [
    {"name": "Ab", "sizes": [1, 2], "items": [{"sku": "a"}, {"sku": "b", "n": 1}]},
    {"name": 4, "sizes": "a", "items": {"sku": "a", "n": [1, "a"]}},
    {"name": "école", "items": [], "sizes": [], "a": True},
    {},
]

_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Judged:
    """A filter, and what it says of a row that was stored at a time."""

    text: str
    holds: Callable[[Row, datetime], Verdict]


def quoted(text: str) -> str:
    """Spell a text in quotes, its stars as themselves."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("*", "\\*") + '"'


def folded(text: str) -> str:
    """Return a text without case and accents."""
    letters = unicodedata.normalize("NFD", text)
    return "".join(one for one in letters if not "\u0300" <= one <= "\u036f").lower()


_OF_TEXT: Mapping[str, Callable[[str], str]] = {"lower": str.lower, "upper": str.upper, "fold": folded}
_OF_TIME: Mapping[str, Callable[[datetime], int]] = {
    "year": lambda at: at.year,
    "month": lambda at: at.month,
    "day": lambda at: at.day,
    "hour": lambda at: at.hour,
    "weekday": lambda at: at.isoweekday(),
}


def _compared(value: Any, sign: str, wanted: Any) -> Verdict:
    return None if value is None else _ORDERS[sign](value, wanted)


def _text_function(name: str, column: str, sign: str, literal: str) -> Judged:
    made = _OF_TEXT[name]

    def holds(row: Row, _now: datetime) -> Verdict:
        return None if row[column] is None else _ORDERS[sign](made(row[column]), made(literal))

    return Judged(f"{name}({column}) {sign} {quoted(literal)}", holds)


def _text_condition(name: str, wrapped: str, column: str, part: str) -> Judged:
    made = _OF_TEXT.get(wrapped, str)
    test = {"startsWith": str.startswith, "endsWith": str.endswith, "contains": str.__contains__}[name]
    subject = f"{wrapped}({column})" if wrapped else column

    def holds(row: Row, _now: datetime) -> Verdict:
        return None if row[column] is None else test(made(row[column]), made(part))

    return Judged(f"{name}({subject}, {quoted(part)})", holds)


def _has(name: str, column: str, part: str) -> Judged:
    made = _OF_TEXT[name]

    def holds(row: Row, _now: datetime) -> Verdict:
        return None if row[column] is None else made(part).lower() in made(row[column]).lower()

    return Judged(f"{name}({column}):{quoted(part)}", holds)


def _length(column: str, sign: str, wanted: int) -> Judged:
    return Judged(
        f"length({column}) {sign} {wanted}",
        lambda row, _now: None if row[column] is None else _ORDERS[sign](len(row[column]), wanted),
    )


def _time_part(name: str, sign: str, wanted: int) -> Judged:
    def holds(row: Row, _now: datetime) -> Verdict:
        return _compared(None if row["at"] is None else _OF_TIME[name](row["at"]), sign, wanted)

    return Judged(f"{name}(at) {sign} {wanted}", holds)


def _day(sign: str, wanted: date) -> Judged:
    def holds(row: Row, _now: datetime) -> Verdict:
        return _compared(None if row["at"] is None else row["at"].date(), sign, wanted)

    return Judged(f'date(at) {sign} "{wanted}"', holds)


_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


def span(text: str) -> timedelta:
    """Return the span that a text spells."""
    return sum(
        (timedelta(**{_UNITS[unit]: float(count)}) for count, unit in re.findall(r"([\d.]+)([a-z])", text)),
        timedelta(),
    )


def _relative(function: str, text: str, sign: str) -> Judged:
    direction = {"ago": -1, "fromNow": 1, "now": 0}[function]
    distance = direction * span(text)
    called = "now()" if function == "now" else f"{function}({text})"
    return Judged(f"at {sign} {called}", lambda row, now: _compared(row["at"], sign, now + distance))


def _listed(column: str, values: Sequence[Any], spell: Callable[[Any], str]) -> Judged:
    listed = ", ".join(map(spell, values))
    return Judged(
        f"{column} IN ({listed})", lambda row, _now: None if row[column] is None else row[column] in values
    )


def _fields(left: str, sign: str, right: str) -> Judged:
    def holds(row: Row, _now: datetime) -> Verdict:
        return None if row[right] is None else _compared(row[left], sign, row[right])

    return Judged(f"{left} {sign} field({right})", holds)


def _matches(column: str, expression: str, *, ignore_case: bool) -> Judged:
    flags = re.DOTALL | re.ASCII | (re.IGNORECASE if ignore_case else 0)
    compiled = re.compile(expression.replace("$", r"\Z"), flags)
    written = ("(?i)" if ignore_case else "") + expression
    spelled = written.replace("\\", "\\\\").replace('"', '\\"')
    return Judged(
        f'{column}.matches("{spelled}")',
        lambda row, _now: None if row[column] is None else compiled.search(row[column]) is not None,
    )


_ATOMS = st.sampled_from(
    ["a", "b", "A", "o", "%", "_", ".", r"\w", r"\d", r"\S", "[ab]", "[^a]", "[a-cA-C]", r"\\", r"[\w%]"]
)


def _repeated(atom: str, sign: str) -> str:
    return atom + sign


def expressions() -> st.SearchStrategy[str]:
    """Return regular expressions that Python reads as filters do."""
    piece = st.builds(
        _repeated, _ATOMS, st.sampled_from(["", "", "*", "+", "?", "{2}", "{1,2}", "{0,}", "+?"])
    )
    return st.recursive(
        st.lists(piece, min_size=1, max_size=3).map("".join),
        lambda inner: st.one_of(
            st.tuples(inner, inner).map("|".join),
            inner.map(lambda one: f"(?:{one})+"),
            inner.map(lambda one: f"({one})?"),
            inner.map(lambda one: f"^{one}" if "|" not in one else one),
            inner.map(lambda one: f"{one}$" if "|" not in one else one),
        ),
        max_leaves=4,
    )


TEXT_COLUMNS = ["string_value", "optional_string_value"]
_SIGNS = st.sampled_from(list(_ORDERS))
_EQUALS = st.sampled_from(["=", "!="])
_TEXT_COLUMN = st.sampled_from(TEXT_COLUMNS)
_NUMBER_COLUMN = st.sampled_from(["int32_value", "optional_int32_value"])
_PARTS = st.sampled_from(["a", "A", "é", "%", "_", "E", "ü", "\\", ""])

CONDITIONS: st.SearchStrategy[Judged] = st.one_of(
    st.builds(_text_function, st.sampled_from(list(_OF_TEXT)), _TEXT_COLUMN, _SIGNS, st.sampled_from(TEXTS)),
    st.builds(
        _text_condition,
        st.sampled_from(["startsWith", "endsWith", "contains"]),
        st.sampled_from(["", *_OF_TEXT]),
        _TEXT_COLUMN,
        _PARTS,
    ),
    st.builds(_has, st.sampled_from(list(_OF_TEXT)), _TEXT_COLUMN, _PARTS),
    st.builds(_length, st.sampled_from([*TEXT_COLUMNS, "optional_bytes_value"]), _SIGNS, st.integers(-1, 6)),
    st.builds(_time_part, st.sampled_from(list(_OF_TIME)), _SIGNS, st.sampled_from([1, 2, 12, 15, 23, 2012])),
    st.builds(_day, _SIGNS, st.sampled_from([at.date() for at in TIMES])),
    st.builds(_relative, st.sampled_from(["ago", "fromNow", "now"]), st.sampled_from(SPANS), _SIGNS),
    st.builds(
        lambda column, values: _listed(column, values, quoted),
        _TEXT_COLUMN,
        st.lists(st.sampled_from(TEXTS), min_size=1, max_size=4),
    ),
    st.builds(
        lambda column, values: _listed(column, values, str),
        _NUMBER_COLUMN,
        st.lists(st.sampled_from(NUMBERS), min_size=1, max_size=4),
    ),
    st.builds(_fields, _NUMBER_COLUMN, _SIGNS, _NUMBER_COLUMN),
    st.builds(_fields, _TEXT_COLUMN, _SIGNS, _TEXT_COLUMN),
    st.builds(
        lambda column, text, ignore: _matches(column, text, ignore_case=ignore),
        _TEXT_COLUMN,
        expressions(),
        st.booleans(),
    ),
)


def _negated(item: Judged) -> Judged:
    def holds(row: Row, now: datetime) -> Verdict:
        verdict = item.holds(row, now)
        return None if verdict is None else not verdict

    return Judged(f"NOT ({item.text})", holds)


def _joined(items: list[Judged], word: str) -> Judged:
    decisive = word == "OR"

    def holds(row: Row, now: datetime) -> Verdict:
        verdicts = [item.holds(row, now) for item in items]
        if decisive in verdicts:
            return decisive
        return None if None in verdicts else not decisive

    return Judged("(" + f" {word} ".join(item.text for item in items) + ")", holds)


FILTERS = st.recursive(
    CONDITIONS,
    lambda inner: st.one_of(
        inner.map(_negated),
        st.builds(_joined, st.lists(inner, min_size=2, max_size=3), st.sampled_from(["AND", "OR"])),
    ),
    max_leaves=5,
)


def rows(now: datetime) -> list[dict[str, Any]]:
    """Return rows that were stored `now`, whose columns run through their values at different paces."""

    def pick(values: Sequence[Any], i: int, step: int) -> Any:
        return [*values, None][(i // step) % (len(values) + 1)]

    times = [*TIMES, *(now + age for age in AGES)]
    return [
        {
            "id": i,
            "int32_value": NUMBERS[i % len(NUMBERS)],
            "optional_int32_value": pick(NUMBERS, i, 2),
            "string_value": TEXTS[i % len(TEXTS)],
            "optional_string_value": pick(TEXTS, i, 3),
            "optional_bytes_value": pick([b"", b"\x00", b"\xff\x00a"], i, 1),
            "at": pick(times, i, 1),
        }
        for i in range(150)
    ]


def stored(row: Row) -> dict[str, Any]:
    """Return a row as JSON has it."""
    return {
        **row,
        "at": row["at"] and row["at"].isoformat(),
        "optional_bytes_value": None
        if row["optional_bytes_value"] is None
        else f"\\x{row['optional_bytes_value'].hex()}",
    }
