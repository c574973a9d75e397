"""Methods with a query: what its parameters are of the request, and what of it the response holds."""

from collections.abc import Iterator, Mapping

from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from rowgate.v1 import annotations_pb2

from gateway.schema.diagnostics import Diagnostics, suggestion
from gateway.schema.protos.options import http_rule
from gateway.schema.routes import read_routes
from gateway.schema.services.allow import read_allow
from gateway.schema.sql_method import AFFECTED_ROWS, CALLER, Gives, SqlMethod, SqlParameter
from gateway.schema.sql_text import Query, QueryTextError, read_query
from gateway.schema.types.mapping import is_document

MAX_ROWS = 1_000
"""The most rows of a response whose method says nothing else."""
MOST_ROWS = 100_000
_OF_CALLER = ("id", "kind", "roles", "claims")
_EMPTY = "google.protobuf.Empty"
_WHOLE = (FieldDescriptor.TYPE_INT64, FieldDescriptor.TYPE_INT32)
_ROLES = {"request_id": FieldDescriptor.TYPE_STRING, "validate_only": FieldDescriptor.TYPE_BOOL}
"""The request's fields that writes know as the standard ones do."""


def read_sql_method(
    method: MethodDescriptor, options: annotations_pb2.MethodOptions, diagnostics: Diagnostics
) -> SqlMethod | None:
    """Return the method; None, with a diagnostic noted, where it can't be one."""
    sql = options.sql
    for wrong, right in _misfits(method, options):
        diagnostics.add(method.full_name, wrong, right)
    try:
        query = read_query(sql.query)
    except QueryTextError as error:
        diagnostics.add_in_query(method.full_name, error.offset, error.wrong, error.right)
        return None
    gives, rows = _gives(method, writes=sql.writes)
    roles = dict(_roles(method.input_type, query)) if sql.writes else {}
    parameters = _parameters(method, query, diagnostics)
    _refuse_unused(method, parameters, roles, diagnostics, writes=sql.writes)
    return SqlMethod(
        descriptor=method,
        request=roles,
        response={"rows": rows} if rows is not None else {},
        routes=read_routes(http_rule(method.full_name, diagnostics)),
        allow=read_allow(method, diagnostics),
        query=query,
        element=diagnostics.elements[method.full_name],
        parameters=tuple(parameters),
        gives=gives,
        row=method.output_type if rows is None else rows.message_type or method.output_type,
        writes=sql.writes,
        bypasses_policies=sql.policy == annotations_pb2.BYPASS,
        not_null=frozenset(sql.not_null),
        allow_missing=sql.allow_missing,
        max_rows=1 if gives is Gives.ROW else sql.max_rows or MAX_ROWS,
    )


def _misfits(method: MethodDescriptor, options: annotations_pb2.MethodOptions) -> Iterator[tuple[str, str]]:
    sql = options.sql
    gives, _ = _gives(method, writes=sql.writes)
    if options.kind or options.resource:
        yield "has a query, and the kind or resource of a standard method", "leave one of them out"
    if method.client_streaming:
        yield "takes a stream, which a query doesn't", "declare a single request"
    if method.server_streaming and sql.writes:
        yield "streams what it writes: no client could tell what is committed", "return one response"
    if method.server_streaming and gives in (Gives.COUNT, Gives.NOTHING):
        yield "streams nothing", "return the message of a row"
    if gives is Gives.NOTHING and not sql.writes:
        yield "returns nothing and writes nothing", "say writes: true, or return the message of a row"
    if not 0 <= sql.max_rows <= MOST_ROWS:
        yield f"max_rows is {sql.max_rows}", f"write 1 to {MOST_ROWS}, or leave it out for {MAX_ROWS}"
    if sql.max_rows and (gives is not Gives.ROWS or method.server_streaming):
        yield "max_rows is for a response with a repeated field of rows alone", "leave it out"
    if sql.allow_missing and (gives is not Gives.ROW or method.server_streaming):
        yield "allow_missing is for a response that is a row alone", "leave it out"


def _gives(method: MethodDescriptor, *, writes: bool) -> tuple[Gives, FieldDescriptor | None]:
    """Return what the response holds of the query, and its field of rows."""
    output = method.output_type
    if output.full_name == _EMPTY:
        return Gives.NOTHING, None
    only = output.fields[0] if len(output.fields) == 1 else None
    if only is not None and only.is_repeated and _is_row(only):
        return Gives.ROWS, only
    if only is not None and writes and only.name == AFFECTED_ROWS and only.type in _WHOLE:
        return Gives.COUNT, None
    return (Gives.ROWS if method.server_streaming else Gives.ROW), None


def _is_row(field: FieldDescriptor) -> bool:
    """Whether a repeated field holds messages that are none that one value of PostgreSQL is."""
    message = field.message_type
    is_map = message is not None and message.GetOptions().map_entry
    return message is not None and not is_map and is_document(field) and not _is_wrapper(message)


def _is_wrapper(message: Descriptor) -> bool:
    return message.full_name.startswith("google.protobuf.")


def _roles(request: Descriptor, query: Query) -> Iterator[tuple[str, FieldDescriptor]]:
    for name, kind in _ROLES.items():
        field = request.fields_by_name.get(name)
        if field is not None and field.type == kind and not field.is_repeated and name not in query.names:
            yield name, field


def _parameters(method: MethodDescriptor, query: Query, diagnostics: Diagnostics) -> list[SqlParameter]:
    first = {place.name: place.start for place in reversed(query.places)}
    found = []
    for name in query.names:
        try:
            found.append(_parameter(method, name))
        except QueryTextError as error:
            diagnostics.add_in_query(method.full_name, first[name], error.wrong, error.right)
    return found


def _parameter(method: MethodDescriptor, name: str) -> SqlParameter:
    """Return what a parameter is; raises QueryTextError, at no offset, for what names nothing."""
    steps = name.split(".")
    if steps[0] == CALLER and CALLER not in method.input_type.fields_by_name:
        _require_caller(steps)
        return SqlParameter(name)
    return SqlParameter(name, tuple(_path(method.input_type, name, steps)))


def _require_caller(steps: list[str]) -> None:
    part = steps[1] if len(steps) > 1 else ""
    named = len(steps) > 2  # noqa: PLR2004 - principal, claims, a name
    if part not in _OF_CALLER or (part == "claims") is not named:
        known = ":principal.id, :principal.kind, :principal.roles and :principal.claims.NAME are the caller"
        raise QueryTextError(0, f":{'.'.join(steps)} is nothing of the caller", known)


def _path(message: Descriptor, name: str, steps: list[str]) -> Iterator[FieldDescriptor]:
    held: Descriptor | None = message
    for number, step in enumerate(steps):
        field = held.fields_by_name.get(step) if held is not None else None
        if held is None or field is None:
            known = held.fields_by_name if held is not None else {}
            below = f" of {held.full_name}" if held is not None else f": {steps[number - 1]} is no message"
            raise QueryTextError(0, f":{name} names no field{below}", suggestion(step, known))
        if field.is_repeated and number + 1 < len(steps):
            raise QueryTextError(0, f":{name} leads through the repeated field {step}", "name it whole")
        yield field
        held = field.message_type


def _refuse_unused(
    method: MethodDescriptor,
    parameters: list[SqlParameter],
    roles: Mapping[str, FieldDescriptor],
    diagnostics: Diagnostics,
    *,
    writes: bool,
) -> None:
    used = {one.path[0].name for one in parameters if one.path} | roles.keys()
    for field in method.input_type.fields:
        if field.name not in used:
            right = f"use :{field.name} in it, or leave the field out"
            if field.name in _ROLES and not writes:
                right += "; it has a meaning of its own where the method says writes: true"
            diagnostics.add(field.full_name, f"isn't used in the query of {method.name}", right)
