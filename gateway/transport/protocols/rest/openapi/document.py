"""The document: every route of a schema as an operation."""

import re
from collections.abc import Iterable, Iterator, Sequence

import orjson
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.rpc.status_pb2 import Status

from gateway.schema.model import Method
from gateway.schema.protos.elements import read_elements
from gateway.schema.routes import Route
from gateway.transport.protocols.rest.openapi.paths import Paths, path_parameters, query_parameters
from gateway.transport.protocols.rest.openapi.schemas import Json, Schemas
from gateway.transport.protocols.rest.streams import ARRAY, EVENTS, LINES

PATH = "/openapi.json"
_JSON = "application/json"
_VERBS = frozenset({"GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"})
"""HTTP methods that OpenAPI 3.1 knows; others have no place in a document."""
_ERROR = "Error"
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def openapi_document(methods: Sequence[Method], files: FileDescriptorSet, *, proto_names: bool) -> bytes:
    """Return the document as JSON.

    Args:
        methods: those of the schema.
        files: which declare them, with comments.
        proto_names: whether JSON has the protos' names of fields.

    """
    schemas = Schemas(read_elements(files), proto_names=proto_names)
    paths = _paths(methods, schemas)
    services = {method.descriptor.containing_service.full_name for method in methods if method.routes}
    document = {
        "openapi": "3.1.0",
        "info": _info(methods),
        "servers": [{"url": "/"}],
        "security": [],
        "tags": [_described({"name": name}, schemas.comment(name)) for name in sorted(services)],
        "paths": paths,
        "components": {"responses": {_ERROR: _error(schemas)}, "schemas": schemas.components()},
    }
    return orjson.dumps(document)


def _info(methods: Iterable[Method]) -> Json:
    packages = sorted({method.descriptor.containing_service.file.package for method in methods})
    last = packages[0].rpartition(".")[2] if packages else ""
    is_version = last[:1] == "v" and last[1:2].isdigit()
    return {"title": ", ".join(packages) or "rowgate", "version": last if is_version else "v1"}


def _paths(methods: Iterable[Method], schemas: Schemas) -> Json:
    known = Paths()
    paths: Json = {}
    for method in methods:
        for number, route in enumerate(method.routes, 1):
            if route.verb in _VERBS:
                text, names = known.text(route.template)
                operation = _Operation(method, route, schemas).document(names, number)
                paths.setdefault(text, {})[route.verb.lower()] = operation
    return paths


class _Operation:
    def __init__(self, method: Method, route: Route, schemas: Schemas) -> None:
        self._method = method
        self._descriptor = method.descriptor
        self._route = route
        self._schemas = schemas

    def document(self, names: Sequence[str], number: int) -> Json:
        """Return the operation.

        Args:
            names: of the path's parameters.
            number: which of the method's routes it is, from 1.

        """
        descriptor = self._descriptor
        name = f"{descriptor.containing_service.name}_{descriptor.name}"
        operation: Json = {
            "operationId": name if number == 1 else f"{name}_{number}",
            "summary": _WORDS.sub(" ", descriptor.name).capitalize(),
            "tags": [descriptor.containing_service.full_name],
            "responses": self._responses(),
        }
        if parameters := list(self._parameters(names)):
            operation["parameters"] = parameters
        if self._route.body:
            operation["requestBody"] = self._body()
        if descriptor.GetOptions().deprecated:
            operation["deprecated"] = True
        return _described(operation, self._schemas.comment(descriptor.full_name))

    def _parameters(self, names: Sequence[str]) -> Iterator[Json]:
        message = self._descriptor.input_type
        yield from path_parameters(self._route.template, names, message, self._schemas)
        yield from query_parameters(self._route, message, self._schemas)
        if self._descriptor.server_streaming and "resume_token" in self._method.request:
            text = "The id of the last event that was read, to go on after it."
            yield {"name": "Last-Event-ID", "in": "header", "schema": {"type": "string"}, "description": text}

    def _body(self) -> Json:
        message, body = self._descriptor.input_type, self._route.body
        schema = (
            self._schemas.message(message)
            if body == "*"
            else self._schemas.field(message.fields_by_name[body])
        )
        content_type = LINES.decode() if self._descriptor.client_streaming else _JSON
        return {"content": {content_type: {"schema": schema}}}

    def _responses(self) -> Json:
        message, field = self._descriptor.output_type, self._route.response_body
        schema = (
            self._schemas.field(message.fields_by_name[field]) if field else self._schemas.message(message)
        )
        content = _streamed(schema) if self._descriptor.server_streaming else {_JSON: {"schema": schema}}
        responses: Json = {
            "200": {"description": "OK", "content": content},
            "default": {"$ref": f"#/components/responses/{_ERROR}"},
        }
        if self._descriptor.server_streaming:
            responses["204"] = {"description": "Nothing comes after the event that Last-Event-ID names."}
        return responses


def _streamed(schema: Json) -> Json:
    error = {"type": "object", "properties": {"error": _status()}, "required": ["error"]}
    each = {"anyOf": [schema, {**error, "additionalProperties": False}]}
    return {
        ARRAY.decode(): {"schema": {"type": "array", "items": each}},
        LINES.decode(): {"schema": each},
        EVENTS.decode(): {"schema": {"type": "string"}},
    }


def _error(schemas: Schemas) -> Json:
    schema = schemas.message(Status.DESCRIPTOR)
    return {
        "description": "A google.rpc.Status, with an HTTP status to match.",
        "content": {_JSON: {"schema": schema}},
    }


def _status() -> Json:
    return {"$ref": f"#/components/schemas/{Status.DESCRIPTOR.full_name}"}


def _described(what: Json, comment: str) -> Json:
    return {**what, "description": comment} if comment else what
