"""Filter text → tokens (AIP-160)."""

import re
import sys
from dataclasses import dataclass
from enum import Enum, auto

from gateway.errors import InvalidArgument
from gateway.request.filter.errors import filter_error

MAX_LENGTH = 8192
"""The most characters of a filter."""


class Kind(Enum):
    """What a token is."""

    TEXT = auto()
    STRING = auto()
    COMPARATOR = auto()
    AND = auto()
    OR = auto()
    NOT = auto()
    MINUS = auto()
    DOT = auto()
    COMMA = auto()
    OPEN = auto()
    CLOSE = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the filter.

    Args:
        kind: what it is.
        text: what it says: of a string, without its quotes and escapes.
        offset: where it starts, from 0.
        end: where it ends.
        parts: of a text or string, the pieces between its wildcards: more than one where it has a `*` that is
            not escaped.

    """

    kind: Kind
    text: str
    offset: int
    end: int
    parts: tuple[str, ...] = ()


# A time of day and the time of an RFC 3339 timestamp hold colons, which are a comparator elsewhere; its
# fractional seconds, and a float's fraction, hold a dot. So these are tokens of their own.
_TOKEN = re.compile(
    r"""
    (?P<TIME> (?: \d{4}-\d\d-\d\d[Tt] )? \d\d:\d\d:\d\d (?: \.\d+ )? (?: [Zz] | [+-]\d\d:\d\d )?
        (?![^\s,()]) )
    | (?P<NUMBER> -? \d+ (?: \.\d+ )? (?: [eE][+-]?\d+ )? s? (?![^\s.,():<>=!"']) )
    | (?P<COMPARATOR> <= | >= | != | [<>=:] )
    | (?P<DOT> \. )
    | (?P<COMMA> , )
    | (?P<OPEN> \( )
    | (?P<CLOSE> \) )
    | (?P<STRING> "(?: [^"\\] | \\. )*" | '(?: [^'\\] | \\. )*' )
    | (?P<MINUS> - )
    | (?P<TEXT> [^\s.,():<>=!"'\-] [^\s.,():<>=!"']* )
    """,
    re.VERBOSE | re.DOTALL,
)
_SPACE = re.compile(r"\s*")
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "'": "'", "\\": "\\", "*": "*", "/": "/"}
_KEYWORDS = {"AND": Kind.AND, "OR": Kind.OR, "NOT": Kind.NOT}
_SURROGATES = range(0xD800, 0xE000)


def tokens_of(text: str) -> list[Token]:
    """Return the tokens of a filter, the last of kind END. Raises InvalidArgument at the first wrong one."""
    if len(text) > MAX_LENGTH:
        raise InvalidArgument.field(
            "filter",
            f"has {len(text)} characters; at most {MAX_LENGTH} are allowed",
            reason="FILTER_TOO_LONG",
        )
    tokens: list[Token] = []
    offset = _skip_space(text, 0)
    while offset < len(text):
        token = _next(text, offset, tokens)
        tokens.append(token)
        offset = _skip_space(text, token.end)
    tokens.append(Token(Kind.END, "", len(text), len(text)))
    return tokens


def _skip_space(text: str, offset: int) -> int:
    match = _SPACE.match(text, offset)
    return match.end() if match else offset


def _next(text: str, offset: int, before: list[Token]) -> Token:
    match = _TOKEN.match(text, offset)
    if match is None:
        raise filter_error(text, offset, _unreadable(text[offset]))
    name, found, end = match.lastgroup or "", match[0], match.end()
    if name == "NUMBER":
        return _number(found, offset, before)
    if name == "STRING":
        return _string(text, found, offset, end)
    if name in {"TIME", "TEXT"}:
        _refuse_nul(text, found, offset)
        kind = _KEYWORDS.get(found, Kind.TEXT)
        return Token(kind, found, offset, end, tuple(found.split("*")))
    return Token(Kind[name], found, offset, end)


def _unreadable(char: str) -> str:
    if char in "\"'":
        return f"this string has no closing {char}"
    return f"unexpected {char!r}; expected a field, a value, a comparator (= != < <= > >= :) or a parenthesis"


def _number(found: str, offset: int, before: list[Token]) -> Token:
    """Return a number; after a dot only its digits (`map.1.x`), and without its sign where that negates."""
    if before and before[-1].kind is Kind.DOT and "." in found:
        found = found.split(".", 1)[0]
    elif found[0] == "-" and (not before or before[-1].kind is not Kind.COMPARATOR):
        return Token(Kind.MINUS, "-", offset, offset + 1)
    return Token(Kind.TEXT, found, offset, offset + len(found), (found,))


def _string(text: str, found: str, offset: int, end: int) -> Token:
    parts = [""]
    position = 1
    while position < len(found) - 1:
        char = found[position]
        if char == "\\":
            escaped, position = _escape(text, found, offset, position)
            parts[-1] += escaped
            continue
        if char == "*":
            parts.append("")
        else:
            parts[-1] += char
        position += 1
    _refuse_nul(text, "".join(parts), offset)
    return Token(Kind.STRING, "*".join(parts), offset, end, tuple(parts))


def _escape(text: str, found: str, offset: int, position: int) -> tuple[str, int]:
    """Return what the escape at `position` of a string stands for, and the place after it."""
    match = _ESCAPE.match(found, position)
    code = match[1] if match else ""
    if len(code) > 1:
        number = int(code[1:], 16)
        if number <= sys.maxunicode and number not in _SURROGATES:
            return chr(number), position + 1 + len(code)
    elif code in _ESCAPES:
        return _ESCAPES[code], position + 1 + len(code)
    raise filter_error(
        text,
        offset + position,
        r"unknown escape; expected one of \" \' \\ \* \/ \n \r \t \uXXXX \UXXXXXXXX",
    )


def _refuse_nul(text: str, found: str, offset: int) -> None:
    if "\0" in found:
        raise filter_error(text, offset, "a value can't hold the character NUL, which no text column stores")
