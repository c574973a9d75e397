"""Diagnostics of a schema: all that is wrong with it, found together, each with its place."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING

from google.protobuf.message import Message

if TYPE_CHECKING:
    from gateway.schema.model import Schema


@dataclass(frozen=True, slots=True, order=True)
class Diagnostic:
    """One thing that is wrong in a schema.

    Args:
        file: the .proto file, as protoc names it.
        line: the line from 1; 0 where the descriptor set carries no source info.
        where: the message, field or method, by full name.
        wrong: what is wrong.
        right: what would be right.

    """

    file: str
    line: int
    where: str
    wrong: str
    right: str = ""
    column: int = 0
    """The column from 1; 0 where it isn't known."""

    def __str__(self) -> str:
        place = ":".join([self.file, *(str(number) for number in (self.line, self.column) if number)])
        parts = [part for part in (place, self.where, self.wrong) if part]
        return ": ".join(parts) + (f"\n  {self.right}" if self.right else "")


class SchemaError(Exception):
    """A schema that can't be served. Holds every diagnostic, sorted by place."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(sorted(set(diagnostics)))
        super().__init__("\n\n".join(map(str, self.diagnostics)))


@dataclass(frozen=True, slots=True)
class Place:
    """Where an element stands in its file, and what is said of it there.

    Args:
        line: the line from 1, or 0 where unknown.
        comment: the proto comment before it, or behind it.
        query: where the characters of a method's query stand, one run of them after the other: the line and
            the column of each run from 1, and how many it has; empty where that isn't known.

    """

    line: int = 0
    comment: str = ""
    query: tuple[tuple[int, int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Element:
    """What the source says of one message, field, enum, service or method.

    Args:
        file: the .proto file.
        options: its options message (`MessageOptions`, `FieldOptions`, `MethodOptions`, …).
        find: finds its place, which few are asked for.

    """

    file: str
    options: Message
    find: Callable[[], Place]

    @property
    def line(self) -> int:
        """The line from 1, or 0 where unknown."""
        return self.find().line

    @property
    def comment(self) -> str:
        """The proto comment before it, or behind it."""
        return self.find().comment

    def in_query(self, offset: int) -> tuple[int, int]:
        """Return the line and the column of a character of the method's query.

        Where that isn't known they are those of the method, and none.
        """
        place = self.find()
        for line, column, count in place.query:
            if offset < count:
                return line, column + offset
            offset -= count
        line, column, count = place.query[-1] if place.query else (place.line, 0, 0)
        return line, column + count


@dataclass(slots=True)
class Diagnostics:
    """The diagnostics found so far, and where each named element stands."""

    elements: Mapping[str, Element]
    found: list[Diagnostic] = field(default_factory=list)

    def add(self, where: str, wrong: str, right: str = "") -> None:
        """Note a diagnostic of the element of that full name."""
        element = self.elements.get(where)
        file, line = (element.file, element.line) if element else ("", 0)
        self.found.append(Diagnostic(file, line, where, wrong, right))

    def add_in_query(self, where: str, offset: int, wrong: str, right: str = "") -> None:
        """Note a diagnostic of a character of the query of the method of that full name."""
        element = self.elements[where]
        line, column = element.in_query(offset)
        self.found.append(Diagnostic(element.file, line, where, wrong, right, column))

    def has(self, message: str) -> bool:
        """Return whether anything was noted of a message, or of what is in it."""
        return any(one.where == message or one.where.startswith(f"{message}.") for one in self.found)

    def settle(self, schema: "Schema") -> "Schema":
        """Return the schema, or raise SchemaError where any diagnostic was noted."""
        if self.found:
            raise SchemaError(self.found)
        return schema


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return what would be right for an unknown name: the nearest known one, or the list of them."""
    names = sorted(known)
    if found := near(name, names):
        return found
    return f"known: {', '.join(names[:20])}{', …' if len(names) > 20 else ''}" if names else ""  # noqa: PLR2004


def near(name: str, known: Iterable[str]) -> str:
    """Return the known name that an unknown one is probably meant for, as a question; or nothing."""
    found = get_close_matches(name, sorted(known), n=1)
    return f'did you mean "{found[0]}"?' if found else ""
