"""Regular expressions of filters: a part of RE2's syntax, read here and written anew for PostgreSQL.

What takes long to match has no place in it: no back references, no looking around, and counts that are
bounded together. PostgreSQL's engine runs what is left without going back.
https://www.postgresql.org/docs/current/functions-matching.html#FUNCTIONS-POSIX-REGEXP
"""

from dataclasses import dataclass

MAX_PATTERN = 512
"""The most characters of a regular expression."""
MAX_NODES = 1_000
"""The most characters and classes that it describes, where what is repeated by a count stands so often."""
MAX_COUNT = 255
"""The largest count of a repetition: PostgreSQL's own."""
MAX_GROUPS = 32
"""The deepest nesting of its groups."""

_IGNORE_CASE = "(?i)"
_CLASSES = {"d": "0-9", "w": "A-Za-z0-9_", "s": r" \t\n\r\f\v"}
_CONTROLS = frozenset("ntrfv")
_REPEATS = "*+?{"


class InvalidPatternError(ValueError):
    """A text that is no such regular expression: where, and what would be right."""

    def __init__(self, place: int, description: str) -> None:
        super().__init__(description)
        self.place = place
        self.description = description


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression, as PostgreSQL reads it.

    Args:
        text: an advanced regular expression.
        ignore_case: whether it began with `(?i)`.

    """

    text: str
    ignore_case: bool


def read_pattern(text: str) -> Pattern:
    """Return the pattern of a regular expression; raises InvalidPatternError."""
    if len(text) > MAX_PATTERN:
        raise InvalidPatternError(
            0, f"a regular expression of {len(text)} characters; at most {MAX_PATTERN} are allowed"
        )
    ignore_case = text.startswith(_IGNORE_CASE)
    reader = _Reader(text, len(_IGNORE_CASE) if ignore_case else 0)
    written, _ = reader.alternatives(0)
    if not reader.at_end:
        raise reader.error('a ")" without its "("')
    return Pattern(written, ignore_case)


Part = tuple[str, int]
"""What is written for a part, and how many nodes it has."""


class _Reader:
    def __init__(self, text: str, place: int) -> None:
        self._text = text
        self._place = place

    @property
    def at_end(self) -> bool:
        return self._place == len(self._text)

    def error(self, description: str, place: int | None = None) -> InvalidPatternError:
        return InvalidPatternError(self._place if place is None else place, description)

    def alternatives(self, depth: int) -> Part:
        """Read what `|` separates, up to the end or a `)`."""
        parts = [self._sequence(depth)]
        while self._accept("|"):
            parts.append(self._sequence(depth))
        return "|".join(text for text, _ in parts), sum(nodes for _, nodes in parts) + len(parts) - 1

    def _sequence(self, depth: int) -> Part:
        written, count = [], 0
        while not self.at_end and self._next not in "|)":
            text, nodes = self._repeated(depth)
            written.append(text)
            count += nodes
            if count > MAX_NODES:
                raise self.error(f"a regular expression with more than {MAX_NODES} characters, counted out")
        return "".join(written), count

    def _repeated(self, depth: int) -> Part:
        begun = self._place
        if self._next in _REPEATS:
            raise self.error(f'nothing stands before "{self._next}" that it could repeat')
        is_place = self._next in "^$"
        text, nodes = self._atom(depth)
        if self.at_end or self._next not in _REPEATS:
            return text, nodes
        if is_place:
            raise self.error(f'"{text}" is a place, which "{self._next}" can\'t repeat', begun)
        sign, times = self._repetition()
        self._accept("?")  # how much it takes is nothing that a condition tells
        if not self.at_end and self._next in _REPEATS:
            raise self.error(f'"{self._next}" after a repetition: expected a group around that, as (?:a+)*')
        return text + sign, nodes * times

    def _repetition(self) -> tuple[str, int]:
        """Read a repetition; return it, and how often it counts its part."""
        if self._next != "{":
            return self._take(), 1
        begun = self._place
        end = self._text.find("}", begun)
        least, comma, most = self._text[begun + 1 : max(end, begun)].partition(",")
        counts = [int(one) for one in (least, most) if one.isascii() and one.isdecimal() and len(one) <= 3]  # noqa: PLR2004 - digits of MAX_COUNT
        if end < 0 or len(counts) != 1 + bool(most) or max(counts) > MAX_COUNT or counts != sorted(counts):
            raise self.error(f"expected {{2}}, {{2,}} or {{2,5}}, up to {MAX_COUNT}; a brace is \\{{", begun)
        self._place = end + 1
        return f"{{{counts[0]}{comma}{most and counts[1]}}}", max(1, counts[-1] + (bool(comma) and not most))

    def _atom(self, depth: int) -> Part:
        char = self._take()
        match char:
            case "(":
                return self._group(depth + 1)
            case "[":
                return self._bracket(), 1
            case "\\":
                return self._escape(), 1
            case "." | "^" | "$":
                return char, 1
        return _literal(char), 1

    def _group(self, depth: int) -> Part:
        begun = self._place - 1
        if depth > MAX_GROUPS:
            raise self.error(f"groups are nested more than {MAX_GROUPS} levels deep", begun)
        if self._accept("?") and not self._accept(":"):
            raise self.error("expected (?: or a plain group; (?i) may only begin the whole", begun)
        text, nodes = self.alternatives(depth)
        if not self._accept(")"):
            raise self.error('a "(" without its ")"', begun)
        return f"(?:{text})", nodes + 1

    def _escape(self) -> str:
        begun = self._place - 1
        if self.at_end:
            raise self.error("a backslash with nothing behind it", begun)
        char = self._take()
        if char.lower() in _CLASSES:
            return f"[{'^' if char.isupper() else ''}{_CLASSES[char.lower()]}]"
        return self._escaped(char, begun)

    def _escaped(self, char: str, begun: int) -> str:
        if char in _CONTROLS:
            return f"\\{char}"
        if char.isalnum() or char == "_":
            known = r"\d \w \s \D \W \S \n \t \r \f \v, or a backslash before punctuation"
            raise self.error(f'there is no "\\{char}"; expected {known}', begun)
        return _literal(char)

    def _bracket(self) -> str:
        begun = self._place - 1
        negated = "^" if self._accept("^") else ""
        written: list[str] = []
        while self.at_end or self._next != "]" or not written:
            if self.at_end:
                raise self.error('a "[" without its "]"', begun)
            written.append(self._range())
        self._take()
        return f"[{negated}{''.join(written)}]"

    def _range(self) -> str:
        """Read a class inside of brackets, a character, or a range of them."""
        begun = self._place
        first, text = self._member()
        if first is None or self._text[self._place : self._place + 1] != "-":
            return text
        if self._text[self._place + 1 : self._place + 2] in ("]", ""):
            return text
        self._take()
        last, end = self._member()
        if last is None or first > last:
            raise self.error(f'"{self._text[begun : self._place]}" is no range of characters', begun)
        return f"{text}-{end}"

    def _member(self) -> tuple[str | None, str]:
        """Return a character inside of brackets, None for a class; and what is written for it."""
        begun = self._place
        char = self._take()
        if char == "[" and not self.at_end and self._next in ":.=":
            raise self.error(r"expected \d, \w, \s or characters in brackets; a bracket is \[", begun)
        if char != "\\" or self.at_end:
            return char, _literal(char)
        char = self._take()
        if char in _CLASSES:
            return None, _CLASSES[char]
        written = self._escaped(char, begun)
        return {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}.get(char, char), written

    @property
    def _next(self) -> str:
        return self._text[self._place]

    def _take(self) -> str:
        char = self._text[self._place]
        self._place += 1
        return char

    def _accept(self, char: str) -> bool:
        if self.at_end or self._next != char:
            return False
        self._place += 1
        return True


def _literal(char: str) -> str:
    """Return a character as PostgreSQL takes it for itself, in brackets and outside of them."""
    return f"\\{char}" if char.isascii() and char.isprintable() and not char.isalnum() else char
