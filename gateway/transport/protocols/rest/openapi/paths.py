"""Templates of paths as OpenAPI writes them, and the parameters of a route."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from gateway.schema.routes import JSON_PARAMETERS, MANY, ONE, SINGLE_VALUES, PathTemplate, Route
from gateway.transport.protocols.rest.openapi.schemas import Json, Schemas

_DEPTH = 4
_NAME = re.compile(r"\{[^}]*\}")


@dataclass(frozen=True, slots=True)
class Hole:
    """A segment that a template leaves open.

    Args:
        path: of the field that holds it; empty where none does.
        whole: whether the field holds nothing else.
        many: whether it stands for any number of segments.

    """

    path: str
    whole: bool
    many: bool


@dataclass(slots=True)
class Paths:
    """The paths of a document: templates that differ by the names of their parameters alone are one."""

    _texts: dict[str, str] = field(default_factory=dict)

    def text(self, template: PathTemplate) -> tuple[str, Sequence[str]]:
        """Return a template as OpenAPI writes it, and the names of its parameters in their order."""
        own = _text(template)
        text = self._texts.setdefault(_NAME.sub("{}", own), own)
        return text, [name[1:-1] for name in _NAME.findall(text)]


def holes(template: PathTemplate) -> list[Hole]:
    """Return the segments that a template leaves open."""
    found = []
    for index, segment in enumerate(template.segments):
        if segment not in (ONE, MANY):
            continue
        bound = next((one for one in template.variables if one.start <= index < one.end), None)
        whole = bound is not None and bound.end - bound.start == 1
        found.append(Hole(bound.path if bound else "", whole, segment == MANY))
    return found


def _text(template: PathTemplate) -> str:
    names = iter(_names(holes(template)))
    segments = (f"{{{next(names)}}}" if one in (ONE, MANY) else one for one in template.segments)
    verb = f":{template.verb}" if template.verb else ""
    return "/" + "/".join(segments) + verb


def _names(open_segments: Sequence[Hole]) -> Iterator[str]:
    paths = [hole.path for hole in open_segments]
    for index, path in enumerate(paths):
        number = paths[: index + 1].count(path)
        yield f"{path or 'segment'}_{number}" if paths.count(path) > 1 or not path else path


def path_parameters(
    template: PathTemplate, names: Sequence[str], message: Descriptor, schemas: Schemas
) -> Iterator[Json]:
    """Yield the parameters of a path."""
    for hole, name in zip(holes(template), names, strict=True):
        held = _field(message, hole.path)
        schema = schemas.value(held) if held is not None and hole.whole else {"type": "string"}
        comment = schemas.comment(held.full_name) if held is not None else ""
        slashes = "It may hold slashes." if hole.many else ""
        yield _parameter("path", name, schema, " ".join(filter(None, (comment, slashes))))


def query_parameters(route: Route, message: Descriptor, schemas: Schemas) -> Iterator[Json]:
    """Yield the parameters of the query: what is in neither path nor body."""
    if route.body != "*":
        taken = {variable.path for variable in route.template.variables}
        for names, field_ in _leaves(message, (), taken | {route.body}, 0):
            name = ".".join(schemas.name(one) for one in names)
            yield _parameter("query", name, _value(field_, schemas), schemas.comment(field_.full_name))


def _value(field_: FieldDescriptor, schemas: Schemas) -> Json:
    """Return the schema of a parameter's value."""
    if field_.message_type is None or field_.message_type.full_name not in JSON_PARAMETERS:
        return schemas.value(field_)
    held = schemas.message(field_.message_type)
    one = {"type": "string", "contentMediaType": "application/json", "contentSchema": held}
    return {"type": "array", "items": one} if field_.is_repeated else one


def _leaves(
    message: Descriptor, before: tuple[FieldDescriptor, ...], taken: Collection[str], depth: int
) -> Iterator[tuple[tuple[FieldDescriptor, ...], FieldDescriptor]]:
    for one in message.fields:
        held, steps = one.message_type, (*before, one)
        if ".".join(step.name for step in steps) in taken:
            continue
        if held is None or held.full_name in (SINGLE_VALUES | JSON_PARAMETERS):
            yield steps, one
        elif not one.is_repeated and not held.full_name.startswith("google.protobuf.") and depth < _DEPTH:
            yield from _leaves(held, steps, taken, depth + 1)


def _parameter(place: str, name: str, schema: Json, comment: str) -> Json:
    parameter: Json = {"name": name, "in": place, "schema": schema}
    if place == "path":
        parameter["required"] = True
    if comment:
        parameter["description"] = comment
    return parameter


def _field(message: Descriptor, path: str) -> FieldDescriptor | None:
    held: Descriptor | None = message
    found: FieldDescriptor | None = None
    for name in path.split("."):
        found = held.fields_by_name.get(name) if held is not None else None
        held = found.message_type if found is not None else None
    return found
