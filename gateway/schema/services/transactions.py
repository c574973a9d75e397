"""Methods that are transactions of others: known by annotation alone, as they may call all that is served."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from rowgate.v1 import annotations_pb2

from gateway.schema.diagnostics import Diagnostics
from gateway.schema.model import TransactionKind, TransactionMethod
from gateway.schema.protos.options import http_rule, method_options
from gateway.schema.routes import read_routes
from gateway.schema.services.allow import read_allow
from gateway.schema.services.field_roles import RoleBinder
from gateway.schema.services.standard_methods import Role, RoleType, Streams

_BY_NUMBER = {annotations_pb2.MethodKind.Value(f"METHOD_KIND_{kind.name}"): kind for kind in TransactionKind}


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a kind of method looks like, as that of a standard one (gateway.schema.services)."""

    request: Sequence[Role]
    response: Sequence[Role]
    streams: Streams


_SHAPES: Mapping[TransactionKind, _Shape] = {
    TransactionKind.TRANSACT: _Shape(
        request=(
            Role("steps", RoleType.STEPS, required=True),
            Role("isolation", RoleType.ISOLATION),
            Role("read_only", RoleType.BOOL),
            Role("request_id", RoleType.STRING),
            Role("validate_only", RoleType.BOOL),
        ),
        response=(Role("responses", RoleType.PACKED, required=True),),
        streams=Streams.NEITHER,
    ),
    TransactionKind.SESSION: _Shape(
        request=(
            Role("begin", RoleType.SESSION_BEGIN, required=True),
            Role("step", RoleType.STEP, required=True),
            Role("savepoint", RoleType.STRING),
            Role("rollback_to", RoleType.STRING),
            Role("end", RoleType.SESSION_END, required=True),
        ),
        response=(
            Role("response", RoleType.PACKED_ONE, required=True),
            Role("error", RoleType.STATUS, required=True),
        ),
        streams=Streams.BOTH,
    ),
}


def transaction_kind(options: annotations_pb2.MethodOptions) -> TransactionKind | None:
    """Return which transaction a method is said to be; None for another method."""
    return _BY_NUMBER.get(options.kind)


def read_transaction(
    method: MethodDescriptor, kind: TransactionKind, diagnostics: Diagnostics
) -> TransactionMethod:
    """Return the method with its fields bound to their roles; what is wrong with it is noted."""
    shape = _SHAPES[kind]
    if Streams.of(method) is not shape.streams:
        wrong = "streams" if method.client_streaming or method.server_streaming else "doesn't stream"
        diagnostics.add(method.full_name, wrong, f"{kind.value} {shape.streams.value}")
    if resource := method_options(method.full_name, diagnostics).resource:
        diagnostics.add(method.full_name, f'is of no resource, and names "{resource}"', "leave it out")
    return TransactionMethod(
        descriptor=method,
        kind=kind,
        request=_bound(method.input_type, shape.request, method, kind, diagnostics),
        response=_bound(method.output_type, shape.response, method, kind, diagnostics),
        routes=read_routes(http_rule(method.full_name, diagnostics)),
        allow=read_allow(method, diagnostics),
    )


def _bound(
    message: Descriptor,
    roles: Sequence[Role],
    method: MethodDescriptor,
    kind: TransactionKind,
    diagnostics: Diagnostics,
) -> dict[str, FieldDescriptor]:
    binder = RoleBinder(message=message, diagnostics=diagnostics, method=method.full_name)
    bound = binder.roles(roles)
    for field in binder.left():
        known = ", ".join(role.name for role in roles)
        diagnostics.add(field.full_name, f"has no meaning in {kind.value}", f"known: {known}")
    return bound
