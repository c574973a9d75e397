"""The text of a query with named parameters: where they stand, and what else its words may be.

PostgreSQL's lexical rules say what is a string, an identifier or a comment, so that a `:name` in one of these
is no parameter: https://www.postgresql.org/docs/current/sql-syntax-lexical.html
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

MAX_LENGTH = 65_536
"""The most characters of a query."""


class QueryTextError(ValueError):
    """A text that can't be one query.

    Args:
        offset: where, in characters from 0.
        wrong: what is wrong.
        right: what would be right.

    """

    def __init__(self, offset: int, wrong: str, right: str = "") -> None:
        super().__init__(wrong)
        self.offset = offset
        self.wrong = wrong
        self.right = right


_TOKEN = re.compile(
    r"""
    (?P<space> \s+ | --[^\r\n]* )
    | (?P<comment> /\* )
    | (?P<string> [eE]'(?: [^'\\] | \\. | '' )*' | (?: [bBxXnN] | [uU]& )?'(?: [^'] | '' )*' )
    | (?P<quoted> (?: [uU]& )? "(?P<identifier>(?: [^"] | "" )*)" )
    | (?P<dollar> \$ (?: [^\W\d]\w* )? \$ )
    | (?P<number> \$\d+ )
    | (?P<cast> :: | := )
    | : (?P<parameter> [^\W\d]\w* (?: \.[^\W\d]\w* )* )
    | (?P<word> [^\W\d][\w$]* )
    | (?P<end> ; )
    | (?P<unclosed> ['"] )
    | .
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT = re.compile(r"/\*|\*/")
_CALL = re.compile(r"\s*\(")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a parameter stands.

    Args:
        name: without its colon.
        start: the first character's offset, the colon's.
        end: the offset behind it.

    """

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Query:
    """One statement with named parameters.

    Args:
        text: as it was written.
        places: of its parameters, in its order; a name may stand several times.
        words: its identifiers and keywords as PostgreSQL knows them, each with where it stands first.
        calls: those that a parenthesis follows.
        end: where it ends: a semicolon and what follows it are left out.

    """

    text: str
    places: tuple[Place, ...]
    words: Mapping[str, int]
    calls: frozenset[str]
    end: int

    @property
    def names(self) -> Sequence[str]:
        """The parameters' names, each once: the first is $1."""
        return list(dict.fromkeys(place.name for place in self.places))

    def numbered(self, casts: Mapping[str, str] | None = None) -> "NumberedQuery":
        """Return it as PostgreSQL prepares it.

        Args:
            casts: the types, as SQL spells them, of parameters that are sent as text and cast.

        """
        numbers = {name: f"${number}" for number, name in enumerate(self.names, 1)}
        pieces, starts, written, read = [], [], 0, 0
        for place in self.places:
            cast = (casts or {}).get(place.name)
            number = numbers[place.name]
            value = number if cast is None else f"CAST(CAST({number} AS {_text_like(cast)}) AS {cast})"
            for piece, offset in ((self.text[read : place.start], read), (value, place.start)):
                pieces.append(piece)
                starts.append((written, offset, offset + len(piece) if piece is not value else offset))
                written += len(piece)
            read = place.end
        pieces.append(self.text[read : self.end])
        starts.append((written, read, self.end))
        return NumberedQuery("".join(pieces), tuple(starts))


def _text_like(cast: str) -> str:
    return "text[]" if cast.endswith("[]") else "text"


@dataclass(frozen=True, slots=True)
class NumberedQuery:
    """A query as PostgreSQL prepares it.

    Args:
        text: with `$n` parameters.
        pieces: of each piece of it, its offset, that of the text it is made of, and the last such offset.

    """

    text: str
    pieces: tuple[tuple[int, int, int], ...]

    def offset_of(self, position: int) -> int:
        """Return the offset in the query as it was written of an offset in `text`."""
        index = bisect_right(self.pieces, position, key=lambda piece: piece[0]) - 1
        written, read, last = self.pieces[max(index, 0)]
        return min(read + max(position - written, 0), last)


def read_query(text: str, *, numbered: bool = False) -> Query:
    """Return the one query that a text holds; raises QueryTextError.

    Args:
        text: the query.
        numbered: whether its parameters may be `$n`.

    """
    if len(text) > MAX_LENGTH:
        raise QueryTextError(0, f"the query has {len(text)} characters; at most {MAX_LENGTH} are allowed")
    places: list[Place] = []
    words: dict[str, int] = {}
    calls: set[str] = set()
    end = len(text)
    for kind, match in _tokens(text):
        if end < len(text):
            raise QueryTextError(match.start(), "the query holds several statements", "a method has one")
        if kind == "end":
            end = match.start()
        elif kind == "parameter":
            places.append(Place(match["parameter"], match.start(), match.end()))
        elif kind == "number" and not numbered:
            raise QueryTextError(match.start(), f"{match[0]} names no field", "write :name")
        elif kind in ("word", "quoted"):
            word = _known_as(match)
            words.setdefault(word, match.start())
            if _CALL.match(text, match.end()):
                calls.add(word)
    if not words:
        raise QueryTextError(0, "the query is empty", "write a SELECT, an INSERT, an UPDATE or a DELETE")
    return Query(text, tuple(places), words, frozenset(calls), end)


def _known_as(match: re.Match[str]) -> str:
    """Return an identifier as PostgreSQL knows it: those without quotes are folded."""
    if match["quoted"]:
        return match["identifier"].replace('""', '"')
    return match["word"].lower()


def _tokens(text: str) -> Iterator[tuple[str, re.Match[str]]]:
    """Yield the tokens that matter, with their kinds; raises QueryTextError for what isn't closed."""
    offset = 0
    while (match := _TOKEN.match(text, offset)) is not None:
        kind, offset = match.lastgroup or "", match.end()
        if kind == "identifier":
            kind = "quoted"
        if kind == "comment":
            offset = _behind_comment(text, match.start())
        elif kind == "dollar":
            offset = text.find(match[0], match.end()) + len(match[0])
            if offset < match.end():
                raise QueryTextError(match.start(), f"{match[0]} isn't closed", f"end it with {match[0]}")
            yield "string", match
        elif kind == "unclosed":
            raise QueryTextError(match.start(), f"{match[0]} isn't closed", "close the string or identifier")
        elif kind != "space":
            yield kind, match


def _behind_comment(text: str, start: int) -> int:
    """Return the offset behind a comment, in which others may be."""
    depth = 0
    for match in _COMMENT.finditer(text, start):
        depth += 1 if match[0] == "/*" else -1
        if not depth:
            return match.end()
    raise QueryTextError(start, "/* isn't closed", "end it with */")
