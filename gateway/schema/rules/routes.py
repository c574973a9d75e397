"""Rules of `google.api.http`: each route can be matched, bound to its request, and told from the others."""

import re
from collections.abc import Iterable, Iterator

from google.api.http_pb2 import HttpRule
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor, ServiceDescriptor

from gateway.schema.diagnostics import Diagnostics, suggestion
from gateway.schema.protos.options import http_rule
from gateway.schema.routes import MANY, SINGLE_VALUES, PathTemplate, bindings, parse_template, pattern
from gateway.schema.rules.finding import Finding, Findings

_HTTP_METHOD = re.compile(r"[A-Za-z][A-Za-z0-9-]*|\*")
_Problem = tuple[str, str]
_Taken = dict[tuple[str, tuple[str, ...], str], str]


def route_findings(services: Iterable[ServiceDescriptor], diagnostics: Diagnostics) -> Findings:
    """Yield what is wrong with the routes of the services' methods."""
    taken: _Taken = {}
    for service in services:
        for method in service.methods:
            for wrong, right in _method_problems(http_rule(method.full_name, diagnostics), method, taken):
                yield Finding(method.full_name, f"google.api.http: {wrong}", right)


def _method_problems(rule: HttpRule | None, method: MethodDescriptor, taken: _Taken) -> Iterator[_Problem]:
    for one in bindings(rule):
        yield from [*_problems(one, method)] or [*_claim(one, method.full_name, taken)]
    if rule is not None and any(one.additional_bindings for one in rule.additional_bindings):
        yield "an additional binding has bindings of its own", "list all of them in the first rule"


def _problems(rule: HttpRule, method: MethodDescriptor) -> Iterator[_Problem]:
    verb, path = pattern(rule)
    template = parse_template(path)
    if template is None:
        yield f'"{path}" is no path', "write it as /v1/shelves/{shelf}/books:archive"
        return
    if not _HTTP_METHOD.fullmatch(verb):
        yield f'"{verb}" is no HTTP method', 'name one, such as LOCK, or "*" for any'
    yield from _template_problems(template, method.input_type)
    if rule.body not in ("", "*"):
        yield from _field_problems("body", rule.body, method.input_type)
    if rule.response_body:
        yield from _field_problems("response_body", rule.response_body, method.output_type)
    if method.client_streaming and (rule.body != "*" or template.variables):
        yield "a stream of requests comes as the body alone", 'write body: "*", and no variable in the path'


def _template_problems(template: PathTemplate, message: Descriptor) -> Iterator[_Problem]:
    if MANY in template.segments[:-1]:
        yield f'"{template.text}" goes on after "**"', "let it stand last, for all that follows"
    paths = [variable.path for variable in template.variables]
    for path in paths:
        yield from _variable_problems(path, message)
    for path in sorted({path for path in paths if paths.count(path) > 1}):
        yield f'"{path}" is bound twice', "bind each field once"


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
    if field is not None and (field.is_repeated or (held and held.full_name not in SINGLE_VALUES)):
        yield f'"{path}" is not a single value', "a path binds numbers, texts and times alone"


def _field_problems(role: str, name: str, message: Descriptor) -> Iterator[_Problem]:
    if name not in message.fields_by_name:
        yield f'{role}: {message.full_name} has no field "{name}"', suggestion(name, message.fields_by_name)


def _claim(rule: HttpRule, method: str, taken: _Taken) -> Iterator[_Problem]:
    """Note that the route is the method's; yield who has it already."""
    verb, path = pattern(rule)
    template = parse_template(path)
    if template is not None:
        first = taken.setdefault((verb, *template.shape), method)
        if first != method:
            yield f"{verb} {path} is the route of {first} too", "give each method its own"
