"""The routes of a server as one tree for each HTTP method, in which a path is found segment by segment."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Generic, TypeVar
from urllib.parse import unquote

from gateway.schema.routes import ANY_METHOD, MANY, ONE, PathTemplate, Variable

T = TypeVar("T")

_ENCODED_SLASH = re.compile(r"(%2[Ff])")
_PREFIXES = 256
"""How many beginnings of paths are remembered, of at most so many characters."""
_LONGEST_PREFIX = 128
_ANY_VALUE = "\0"
"""Stands for all segments that are no literal of any route."""


@dataclass(slots=True, eq=False)
class _Node(Generic[T]):
    """What may follow some segments. Each is at one depth, so that a search comes to it at most once."""

    literals: "dict[str, _Node[T]]" = field(default_factory=dict)
    one: "_Node[T] | None" = None
    ends: dict[str, T] = field(default_factory=dict)
    """The routes that end here, by their verb."""
    many: dict[str, T] = field(default_factory=dict)
    """Those that take all segments from here on, by their verb."""

    def add(self, template: PathTemplate, target: T) -> None:
        """Have the template's paths lead to the target."""
        node = self
        for segment in template.segments:
            if segment == MANY:
                node.many[template.verb] = target
                return
            node = node._next(segment)
        node.ends[template.verb] = target

    def _next(self, segment: str) -> "_Node[T]":
        if segment != ONE:
            return self.literals.setdefault(segment, _Node())
        if self.one is None:
            self.one = _Node()
        return self.one

    def find(self, segments: Sequence[str], depth: int, verb: str) -> T | None:
        """Return where the segments from `depth` on lead: literals come before ONE, ONE before MANY."""
        if depth == len(segments):
            return self.ends.get(verb) or self.many.get(verb)
        segment = segments[depth]
        node = self.literals.get(segment)
        if node is None and "%" in segment:
            node = self.literals.get(decoded(segment))
        found = None if node is None else node.find(segments, depth + 1, verb)
        if found is None and self.one is not None and segment:
            found = self.one.find(segments, depth + 1, verb)
        return found or self.many.get(verb)


class Router(Generic[T]):
    """Finds the target of a request by its HTTP method and path."""

    def __init__(self) -> None:
        self._trees: dict[str, _Node[T]] = {}
        self._paths: _Node[bool] = _Node()
        self._literals: set[str] = set()
        self._behind = lru_cache(_PREFIXES)(self._find_behind)

    def add(self, method: str, template: PathTemplate, target: T) -> None:
        """Have requests of an HTTP method, or of ANY_METHOD, lead to the target."""
        self._trees.setdefault(method, _Node()).add(template, target)
        self._paths.add(template, target=True)
        self._literals.update(template.segments)
        self._behind.cache_clear()

    def has(self, path: str) -> bool:
        """Whether a path leads somewhere, by some HTTP method."""
        return _find(self._paths, path.split("/")) is not None

    def find(self, method: str, path: str) -> tuple[T, Sequence[str]] | None:
        """Return the target and the path's segments, percent-encoded and without the verb; None without one.

        A colon in the last segment begins a verb where a route has that verb, else it is the segment's own.
        """
        prefix, slash, last = path.rpartition("/")
        segments = path.split("/")
        if slash and self._is_value(last) and len(prefix) <= _LONGEST_PREFIX:
            target = self._behind(method, prefix)
            return None if target is None else (target, segments)
        return self._search(method, segments)

    def _is_value(self, last: str) -> bool:
        """Whether a last segment can only be a variable's: behind one prefix all such lead to one target."""
        return bool(last) and ":" not in last and "%" not in last and last not in self._literals

    def _find_behind(self, method: str, prefix: str) -> T | None:
        """Return the target of the paths that end with a variable's value behind the prefix."""
        found = self._search(method, [*prefix.split("/"), _ANY_VALUE])
        return None if found is None else found[0]

    def _search(self, method: str, segments: Sequence[str]) -> tuple[T, Sequence[str]] | None:
        for name in (method, ANY_METHOD):
            tree = self._trees.get(name)
            found = None if tree is None else _find(tree, segments)
            if found is not None:
                return found
        return None

    def methods(self, path: str) -> Collection[str]:
        """Return the HTTP methods by which a path leads somewhere."""
        return [method for method in self._trees if self.find(method, path) is not None]


def _find(tree: _Node[T], segments: Sequence[str]) -> tuple[T, Sequence[str]] | None:
    last, colon, verb = segments[-1].rpartition(":")
    if colon and verb:
        found = tree.find(shorter := [*segments[:-1], last], 1, verb)
        if found is not None:
            return found, shorter
    found = tree.find(segments, 1, "")
    return None if found is None else (found, segments)


def decoded(segment: str) -> str:
    """Return a percent-encoded segment decoded; bytes that are no UTF-8 become lone surrogates."""
    return unquote(segment, errors="surrogateescape") if "%" in segment else segment


def variable_text(variable: Variable, segments: Sequence[str], *, many: bool) -> str:
    """Return what a variable of a path holds, as google/api/http.proto has it decoded.

    That of one segment is decoded wholly; in that of several, or of `**`, encoded slashes stay as they are.
    """
    if many:
        held = "/".join(segments[variable.start + 1 :])
    elif variable.end - variable.start == 1:
        return decoded(segments[variable.start + 1])
    else:
        held = "/".join(segments[variable.start + 1 : variable.end + 1])
    if "%" not in held:
        return held
    pieces = _ENCODED_SLASH.split(held)
    return "".join(piece if index % 2 else decoded(piece) for index, piece in enumerate(pieces))
