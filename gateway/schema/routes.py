"""HTTP routes of methods, from `google.api.http`: HTTP method, template of the path, fields that are bodies.

The grammar of templates is that of google/api/http.proto, "Path template syntax".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from google.api.http_pb2 import HttpRule

ANY_METHOD = "*"
"""The HTTP method of a custom rule that leaves it open."""
ONE, MANY = "*", "**"
"""Segments that stand for any one segment, and for any number of them."""
# Messages that JSON, and so a path, writes as one text or number.
SINGLE_VALUES = frozenset(
    f"google.protobuf.{name}"
    for name in (
        *("Timestamp", "Duration", "FieldMask"),
        *("DoubleValue", "FloatValue", "Int64Value", "UInt64Value", "Int32Value", "UInt32Value"),
        *("BoolValue", "StringValue", "BytesValue"),
    )
)

JSON_PARAMETERS = frozenset({"rowgate.v1.RelationArguments"})
"""Messages of which a parameter of a URL holds one as JSON: several are told by as many parameters."""

_LITERAL = r"[A-Za-z0-9._~%!$&'()+,;@-]+"
_FIELD_PATH = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*"
_PLAIN = rf"(?:\*\*?|{_LITERAL})"
_VARIABLE = rf"\{{{_FIELD_PATH}(?:={_PLAIN}(?:/{_PLAIN})*)?\}}"
_SEGMENT = rf"(?:{_VARIABLE}|{_PLAIN})"
_TEMPLATE = re.compile(rf"(/{_SEGMENT}(?:/{_SEGMENT})*)(?::({_LITERAL}))?")
_PART = re.compile(r"\{([^=}]*)(?:=([^}]*))?\}|[^/{}]+")


@dataclass(frozen=True, slots=True)
class Variable:
    """A field of the request that some segments of a path hold.

    Args:
        path: the field's, from the request message, such as `book.isbn`.
        start: the first of its segments.
        end: the segment after its last.

    """

    path: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class PathTemplate:
    """The paths of a route.

    Args:
        text: as it was written.
        segments: literals, ONE, and MANY, which is the last if it is there.
        verb: what stands behind the colon; empty without one.
        variables: the fields that segments hold, in their order.

    """

    text: str
    segments: tuple[str, ...]
    verb: str
    variables: tuple[Variable, ...]

    @property
    def shape(self) -> tuple[tuple[str, ...], str]:
        """What two templates of the same paths have in common."""
        return self.segments, self.verb


@dataclass(frozen=True, slots=True)
class Route:
    """One of the ways by which a method is called over HTTP.

    Args:
        verb: the HTTP method, or ANY_METHOD.
        template: its paths.
        body: the request's field that the body holds; `*` for the request itself, empty for none.
        response_body: the response's field that is answered; empty for the response itself.

    """

    verb: str
    template: PathTemplate
    body: str = ""
    response_body: str = ""


def parse_template(text: str) -> PathTemplate | None:
    """Return the template that a rule's path is; None for what is none."""
    match = _TEMPLATE.fullmatch(text)
    if match is None:
        return None
    segments: list[str] = []
    variables: list[Variable] = []
    for part in _PART.finditer(match[1]):
        bound = (part[2] or ONE).split("/") if part[1] is not None else [part[0]]
        if part[1] is not None:
            variables.append(Variable(part[1], len(segments), len(segments) + len(bound)))
        segments += map(unquote, bound)
    return PathTemplate(text, tuple(segments), match[2] or "", tuple(variables))


def bindings(rule: HttpRule | None) -> Iterator[HttpRule]:
    """Yield a rule and its additional bindings."""
    if rule is not None:
        yield rule
        yield from rule.additional_bindings


def pattern(rule: HttpRule) -> tuple[str, str]:
    """Return a rule's HTTP method and path; empty ones where it names none."""
    if rule.HasField("custom"):
        return rule.custom.kind, rule.custom.path
    verb = rule.WhichOneof("pattern")
    return (verb.upper(), getattr(rule, verb)) if verb else ("", "")


def read_routes(rule: HttpRule | None) -> tuple[Route, ...]:
    """Return the routes of a method's rule, without those that the rules of schemas refuse."""
    found = []
    for one in bindings(rule):
        verb, path = pattern(one)
        template = parse_template(path)
        if template is not None:
            found.append(Route(verb, template, one.body, one.response_body))
    return tuple(found)
