"""Rules of `google.api.http`: each route can be matched, bound to its request, and told from the others."""

import re
from collections.abc import Iterable, Iterator

from google.api.http_pb2 import HttpRule
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor, ServiceDescriptor

from gateway.schema.faults import Faults, suggestion
from gateway.schema.options import http_rule
from gateway.schema.rules.finding import Finding, Findings

# The template's grammar (google/api/http.proto, "Path template syntax").
_LITERAL = r"[A-Za-z0-9._~%!$&'()+,;@-]+"
_FIELD_PATH = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*"
_PLAIN = rf"(?:\*\*?|{_LITERAL})"
_VARIABLE = rf"\{{{_FIELD_PATH}(?:={_PLAIN}(?:/{_PLAIN})*)?\}}"
_SEGMENT = rf"(?:{_VARIABLE}|{_PLAIN})"
_TEMPLATE = re.compile(rf"/{_SEGMENT}(?:/{_SEGMENT})*(?::{_LITERAL})?")
_BOUND = re.compile(rf"\{{({_FIELD_PATH})(?:=([^}}]*))?\}}")
# Messages that JSON, and so a path, writes as one text or number.
_SINGLE = frozenset(
    f"google.protobuf.{name}"
    for name in (
        *("Timestamp", "Duration", "FieldMask"),
        *("DoubleValue", "FloatValue", "Int64Value", "UInt64Value", "Int32Value", "UInt32Value"),
        *("BoolValue", "StringValue", "BytesValue"),
    )
)
_Problem = tuple[str, str]


def route_findings(services: Iterable[ServiceDescriptor], faults: Faults) -> Findings:
    """Yield what is wrong with the routes of the services' methods."""
    taken: dict[tuple[str, str], str] = {}
    for service in services:
        for method in service.methods:
            for rule in _rules(http_rule(method.full_name, faults)):
                problems = [*_problems(rule, method)] or [*_claim(rule, method.full_name, taken)]
                for wrong, right in problems:
                    yield Finding(method.full_name, f"google.api.http: {wrong}", right)


def _rules(rule: HttpRule | None) -> Iterator[HttpRule]:
    if rule is not None:
        yield rule
        yield from rule.additional_bindings


def _problems(rule: HttpRule, method: MethodDescriptor) -> Iterator[_Problem]:
    _, template = _pattern(rule)
    if not _TEMPLATE.fullmatch(template):
        yield f'"{template}" is no path', "write it as /v1/shelves/{shelf}/books:archive"
        return
    for path, _ in _BOUND.findall(template):
        yield from _variable_problems(path, method.input_type)
    if rule.body not in ("", "*"):
        yield from _field_problems("body", rule.body, method.input_type)
    if rule.response_body:
        yield from _field_problems("response_body", rule.response_body, method.output_type)


def _pattern(rule: HttpRule) -> tuple[str, str]:
    """Return the HTTP method and the path."""
    if rule.HasField("custom"):
        return rule.custom.kind, rule.custom.path
    verb = rule.WhichOneof("pattern")
    return (verb.upper(), getattr(rule, verb)) if verb else ("", "")


def _variable_problems(path: str, message: Descriptor) -> Iterator[_Problem]:
    held: Descriptor | None = message
    field: FieldDescriptor | None = None
    for name in path.split("."):
        field = held.fields_by_name.get(name) if held else None
        if field is None:
            known = held.fields_by_name if held else ()
            yield f'"{path}" names no field of {message.full_name}', suggestion(name, known)
            return
        held = None if field.is_repeated else field.message_type
    if field is not None and (field.is_repeated or (held and held.full_name not in _SINGLE)):
        yield f'"{path}" is not a single value', "a path binds numbers, texts and times alone"


def _field_problems(role: str, name: str, message: Descriptor) -> Iterator[_Problem]:
    if name not in message.fields_by_name:
        yield f'{role}: {message.full_name} has no field "{name}"', suggestion(name, message.fields_by_name)


def _claim(rule: HttpRule, method: str, taken: dict[tuple[str, str], str]) -> Iterator[_Problem]:
    """Note that the route is the method's; yield who has it already."""
    verb, template = _pattern(rule)
    matched = _BOUND.sub(lambda bound: bound[2] or "*", template)
    first = taken.setdefault((verb, matched), method)
    if first != method:
        yield f"{verb} {template} is the route of {first} too", "give each method its own"
