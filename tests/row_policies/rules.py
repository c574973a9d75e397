"""A policy's rule, or a caller's filter, judged in SQL's three values: true, false and None, the unknown.

Written from docs/row-policies.md, docs/authorization.md and docs/filters.md; it has what those say of texts,
numbers, bools, enums, UUIDs and times, and no more of the language than this folder's rules and filters have.
"""

import json
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any
from uuid import UUID

from tests.row_policies.callers import Caller
from tests.row_policies.joined import Held, Joined

Row = Mapping[str, Any]
Verdict = bool | None
_TOKEN = re.compile(r'\s*(?:("(?:\\.|[^"\\])*")|(!=|<=|>=|[=<>:(),-])|([^\s!<>=:(),"]+))')
_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_FUNCTIONS: Mapping[str, Callable[[str], Any]] = {
    "lower": str.lower,
    "upper": str.upper,
    "fold": str.lower,  # no text of these tables has an accent
    "length": len,
}
_INT64 = range(-(1 << 63), 1 << 63)
MISSING = object()
"""A value that is neither equal nor unequal to any."""


@dataclass(frozen=True, slots=True)
class Quoted:
    """A literal in quotes, as it stands in them."""

    text: str


Token = Quoted | str
Judge = Callable[[Row, Mapping[str, str], Caller], Verdict]
"""Judges a row, whose fields have types, for a caller."""


def judged(text: str, row: Row, types: Mapping[str, str], caller: Caller) -> Verdict:
    """Judge a row by a rule: `*` is true of every row, and a rule that is left out of none."""
    if text in ("", "*"):
        return text == "*"
    return _parsed(text)[0](row, types, caller)


def found(text: str, row: Row, types: Mapping[str, str]) -> Verdict:
    """Judge a row by a caller's filter: an empty one finds every row."""
    return not text or _parsed(text)[0](row, types, Caller("", ""))


def names_in(text: str) -> frozenset[tuple[str, ...]]:
    """Return the names that a filter asks for, each with the relations before it."""
    return _parsed(text)[1] if text else frozenset()


@cache
def _parsed(text: str) -> tuple[Judge, frozenset[tuple[str, ...]]]:
    tokens: list[Token] = []
    place = 0
    while place < len(text.rstrip()):
        match = _TOKEN.match(text, place)
        assert match, (text, place)
        quoted, sign, word = match.groups()
        tokens.append(Quoted(re.sub(r"\\(.)", _unescaped, quoted[1:-1])) if quoted else sign or word)
        place = match.end()
    parser = _Parser(tokens)
    judge = parser.conjunction()
    assert not parser.tokens, text
    return judge, frozenset(parser.names)


def _unescaped(match: re.Match[str]) -> str:
    # A star that was escaped stays so until it is known whether the text is a pattern.
    return "\\*" if match[1] == "*" else match[1]


class _Parser:
    """Descends: OR binds tighter than AND, NOT tighter than both."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.names: list[tuple[str, ...]] = []
        self._scope: tuple[str, ...] = ()
        """The relations whose rows a condition in parentheses is of."""

    def conjunction(self) -> Judge:
        parts = [self.disjunction()]
        while self.tokens[:1] == ["AND"]:
            self.tokens.pop(0)
            parts.append(self.disjunction())
        return parts[0] if len(parts) == 1 else lambda *of: _all(part(*of) for part in parts)

    def disjunction(self) -> Judge:
        parts = [self.negation()]
        while self.tokens[:1] == ["OR"]:
            self.tokens.pop(0)
            parts.append(self.negation())
        return parts[0] if len(parts) == 1 else lambda *of: _any(part(*of) for part in parts)

    def negation(self) -> Judge:
        if self.tokens[0] in ("NOT", "-"):
            self.tokens.pop(0)
            inner = self.negation()
            return lambda *of: _not(inner(*of))
        if self.tokens[0] == "(":
            self.tokens.pop(0)
            whole = self.conjunction()
            assert self.tokens.pop(0) == ")"
            return whole
        return self.comparison()

    def comparison(self) -> Judge:
        name, sign = self.tokens.pop(0), self.tokens.pop(0)
        assert isinstance(name, str)
        assert isinstance(sign, str)
        if sign == "(" and name in ("exists", "count"):
            return self.of_relation(name)
        if not name.startswith("principal."):
            self.names.append((*self._scope, *name.split(".")))
        if sign == "(":
            argument = self.tokens.pop(0)
            if argument == ")":
                return _along(name, partial(_computed, sign=self.tokens.pop(0), value=self.value()))
            self.tokens.pop(0)
            return _along(name, lambda last: lambda row, _types, _caller: _part(last, row, argument))
        value = self.value()
        if name.startswith("principal."):
            return lambda _row, _types, caller: _of_caller(caller, name, sign, value)
        return _along(
            name, lambda last: lambda row, types, caller: _of_row(row, types, caller, last, sign, value)
        )

    def value(self) -> Token:
        value = self.tokens.pop(0)
        return f"-{self.tokens.pop(0)}" if value == "-" else value

    def of_relation(self, function: str) -> Judge:
        path = self.tokens.pop(0)
        assert isinstance(path, str)
        outer, self._scope = self._scope, (*self._scope, *path.split("."))
        self.names.append(self._scope)
        meets: Judge = lambda *_: True  # noqa: E731 - a line
        if self.tokens.pop(0) == ",":
            meets = self.conjunction()
            self.tokens.pop(0)
        self._scope = outer
        if function == "exists":
            return _along(path, lambda last: lambda row, _, caller: _count(row, last, meets, caller) > 0)
        sign, value = self.tokens.pop(0), self.value()
        assert isinstance(sign, str)
        assert isinstance(value, str)
        return _along(
            path,
            lambda last: (
                lambda row, _, caller: (
                    _ORDERS[sign](_count(row, last, meets, caller), int(value)) if _is_there(row) else None
                )
            ),
        )


def _relation(row: Row, name: str) -> Held | None:
    return row.relations.get(name) if isinstance(row, Joined) else None


def _is_there(row: Row) -> bool:
    return not isinstance(row, Joined) or row.is_there


def _along(name: str, made: Callable[[str], Judge]) -> Judge:
    """Judge by the rows behind relations, where a name begins with some; by the row itself elsewhere."""
    first, _, rest = name.partition(".")

    def judge(row: Row, types: Mapping[str, str], caller: Caller) -> Verdict:
        relation = _relation(row, first) if rest else None
        if relation is None:
            return made(name)(row, types, caller)
        below = _along(rest, made)
        if relation.many:
            return any(below(one, one.types, caller) is True for one in relation.rows())
        one = next(iter(relation.rows()), None) or relation.nothing()
        return below(one, one.types, caller)

    return judge


def _count(row: Row, name: str, meets: Judge, caller: Caller) -> int:
    """Return how many rows of a relation meet a condition."""
    relation = _relation(row, name)
    assert relation is not None, name
    return sum(meets(one, one.types, caller) is True for one in relation.rows())


def _all(parts: Any) -> Verdict:
    verdicts = list(parts)
    return False if False in verdicts else None if None in verdicts else True


def _any(parts: Any) -> Verdict:
    verdicts = list(parts)
    return True if True in verdicts else None if None in verdicts else False


def _not(verdict: Verdict) -> Verdict:
    return None if verdict is None else not verdict


def _of_caller(caller: Caller, name: str, sign: str, value: Token) -> Verdict:
    """Judge the caller alone."""
    if name == "principal.roles":
        assert isinstance(value, Quoted)
        return _has_role(caller, value.text)
    value_of = held(caller, name)
    if value == "null":
        return (value_of is MISSING or value_of is None) == (sign == "=")
    if sign == ":":
        return _plain(value) in value_of if isinstance(value_of, list) else None
    literal = _plain(value)
    return _ORDERS[sign](value_of, literal) if _kind(value_of) == _kind(literal) else None


def _has_role(caller: Caller, role: str) -> bool:
    own = {"anonymous"} if caller.kind == "anonymous" else {"authenticated"}
    return role in own | set(caller.roles)


def held(caller: Caller, name: str) -> Any:
    """Return what a caller's name stands for: `principal.id`, `principal.claims.desk.state` …."""
    _, first, *path = name.split(".")
    if first != "claims":
        return getattr(caller, first)
    value: Any = caller.claims
    for part in path:
        if not isinstance(value, Mapping) or part not in value:
            return MISSING
        value = value[part]
    return value


def _plain(value: Token) -> Any:
    """Return what a literal beside the caller is: a text in quotes, a bool, a number."""
    if isinstance(value, Quoted):
        return value.text
    return json.loads(value) if re.fullmatch(r"true|false|-?[\d.]+", value) else value


def _kind(value: Any) -> str:
    """Return JSON's type of a value; what can't be compared has one of its own."""
    if isinstance(value, bool):
        return "bool"
    return (
        "number" if isinstance(value, int | float) else "text" if isinstance(value, str) else f"{id(value)}"
    )


def _of_row(  # noqa: PLR0917 - as a judge, with what it was made of
    row: Row, types: Mapping[str, str], caller: Caller, name: str, sign: str, value: Token
) -> Verdict:
    """Judge a field of the row, or whether a relation holds a row."""
    if (relation := _relation(row, name)) is not None:
        return bool(relation.rows()) != (sign == "=")
    if name not in types:
        return _in_document(row, name, sign, value)
    stored = row[name]
    if value == "null":
        return (stored is None) == (sign == "=")
    if isinstance(value, str) and value.startswith("principal."):
        right = typed(types[name], held(caller, value), spelled=value == "principal.id")
        return None if stored is None or right is MISSING else _ORDERS[sign](stored, right)
    return None if stored is None else _to_literal(stored, types[name], sign, value)


def typed(kind: str, held: Any, *, spelled: bool) -> Any:
    """Return a caller's value as a field of a kind has it; MISSING where it is of another type."""
    if spelled and kind == "int" and isinstance(held, str) and re.fullmatch(r"-?(0|[1-9]\d*)", held):
        held = int(held)
    if kind in ("text", "enum"):
        return held if isinstance(held, str) else MISSING
    if kind == "uuid":
        return _uuid(held)
    if kind == "int":
        return held if isinstance(held, int) and not isinstance(held, bool) and held in _INT64 else MISSING
    return held if kind == "bool" and isinstance(held, bool) else MISSING


def _uuid(held: Any) -> Any:
    try:
        return str(UUID(held)) if isinstance(held, str) else MISSING
    except ValueError:
        return MISSING


def _to_literal(stored: Any, kind: str, sign: str, value: Token) -> bool:
    text = value.text if isinstance(value, Quoted) else value
    if kind == "text" and sign == ":":
        return text.replace("\\*", "*").casefold() in stored.casefold()
    if kind == "text" and sign in ("=", "!="):
        parts = (re.escape(part.replace("\0", "*")) for part in text.replace("\\*", "\0").split("*"))
        return bool(re.fullmatch(".*".join(parts), stored, re.DOTALL)) == (sign == "=")
    literal = int(text) if kind == "int" else text == "true" if kind == "bool" else text
    return _ORDERS["=" if sign == ":" else sign](stored, literal)


def _part(name: str, row: Row, argument: Token) -> Verdict:
    """Judge by `startsWith` and its like."""
    field, _, function = name.partition(".")
    assert isinstance(argument, Quoted)
    if row[field] is None:
        return None
    stored: str = row[field]
    if function == "matches":
        return re.search(argument.text, stored) is not None
    if function == "contains":
        return argument.text in stored
    return stored.startswith(argument.text) if function == "startsWith" else stored.endswith(argument.text)


def _computed(name: str, sign: Token, value: Token) -> Judge:
    """Judge what a function makes of a text: what it is compared with goes through it, too."""
    field, _, function = name.partition(".")
    assert isinstance(sign, str)
    makes = _FUNCTIONS[function]
    literal = makes(value.text) if isinstance(value, Quoted) else int(value)
    return lambda row, _types, _caller: (
        None if row[field] is None else _ORDERS[sign](makes(row[field]), literal)
    )


def _in_document(row: Row, name: str, sign: str, value: Token) -> Verdict:
    """Judge a value of a document: only where its type is the literal's."""
    field, _, key = name.partition(".")
    document = json.loads(row[field]) if isinstance(row[field], str) else None
    held = document.get(key) if isinstance(document, dict) else None
    literal = _plain(value)
    if sign == ":":
        return _kind(held) == _kind(literal) and held == literal
    return _ORDERS[sign](held, literal) if _kind(held) == _kind(literal) else None
