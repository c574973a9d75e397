"""Services → Methods: which standard method each RPC is, of which resource, which field plays which role."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor, ServiceDescriptor

from gateway.schema.aggregation import AggregateMethod
from gateway.schema.diagnostics import Diagnostics
from gateway.schema.model import Field, Method, MethodKind, Relation, Resource, Service, StandardMethod
from gateway.schema.protos.options import http_rule, method_options
from gateway.schema.routes import read_routes
from gateway.schema.services.aggregations import read_aggregation
from gateway.schema.services.allow import read_allow
from gateway.schema.services.authored import read_authored
from gateway.schema.services.field_roles import Binder, same_shape, same_type
from gateway.schema.services.recognise import recognise
from gateway.schema.services.requirements import WITHOUT_KEY, lacks_key, needs
from gateway.schema.services.row_limits import read_row_limits
from gateway.schema.services.searches import SearchMethod, read_hits, refuse_idle_parts
from gateway.schema.services.sql_methods import read_sql_method
from gateway.schema.services.standard_methods import SHAPES, Answer, Keys, Shape
from gateway.schema.services.transactions import read_transaction, transaction_kind
from gateway.schema.services.usual_consistency import with_consistency

_ITEM_FIELDS = ("requests", "keys")


def read_services(
    services: Iterable[ServiceDescriptor],
    resources: Mapping[str, Resource],
    diagnostics: Diagnostics,
    wrong: Collection[str] = (),
) -> dict[str, Service]:
    """Return the services with their bound methods, by full name.

    Args:
        services: as they are declared.
        resources: by full name.
        diagnostics: what is wrong with a method goes there.
        wrong: names of resources that have diagnostics themselves. Their methods are left out: what seems
            wrong with those mostly follows, as a key's fields of another type than the key.

    """
    return {service.full_name: _service(service, resources, diagnostics, wrong) for service in services}


def _service(
    service: ServiceDescriptor,
    resources: Mapping[str, Resource],
    diagnostics: Diagnostics,
    wrong: Collection[str],
) -> Service:
    bound = (_rpc(method, resources, diagnostics, wrong) for method in service.methods)
    methods = (with_consistency(method, diagnostics) for method in bound if method is not None)
    return Service(service.full_name, tuple(methods))


def _rpc(
    method: MethodDescriptor,
    resources: Mapping[str, Resource],
    diagnostics: Diagnostics,
    wrong: Collection[str],
) -> Method | None:
    options = method_options(method.full_name, diagnostics)
    if options.handler:
        return read_authored(method, options, diagnostics)
    if options.HasField("sql"):
        return read_sql_method(method, options, diagnostics)
    kind = transaction_kind(options)
    if kind is not None:
        return read_transaction(method, kind, diagnostics)
    return _method(method, resources, diagnostics, wrong)


def _method(
    method: MethodDescriptor,
    resources: Mapping[str, Resource],
    diagnostics: Diagnostics,
    wrong: Collection[str],
) -> StandardMethod | None:
    found = recognise(method, resources, diagnostics)
    if found is None or found[1].message.full_name in wrong:
        return None
    kind, resource = found
    if lacks_key(kind, resource):
        wrong = f"needs a key, and {resource.message.full_name} has none"
        known = ", ".join(SHAPES[one].name for one in WITHOUT_KEY)
        diagnostics.add(method.full_name, wrong, f"leave it out: rows without a key have {known}")
        return None
    shape = SHAPES[kind]
    request = Binder(
        message=method.input_type, resource=resource, diagnostics=diagnostics, method=method.full_name
    )
    bound = bind_request(method, kind, request)
    keys = bound.request.get("keys")
    for wrong, right in needs(kind, bound, resource):
        diagnostics.add(method.full_name, wrong, right)
    response = _response(method, shape, resource, keys, diagnostics)
    rows = response.get("rows")
    related = _written_with(resource, resources, kind)
    if shape.reaches_relations:
        related = _related_to(resource, resources)
    of_kind: Callable[..., StandardMethod] = StandardMethod
    if kind is MethodKind.AGGREGATE and rows is not None:
        aggregation = read_aggregation(cast("Descriptor", rows.message_type), resource, diagnostics)
        of_kind = partial(AggregateMethod, aggregation=aggregation)
    if kind is MethodKind.SEARCH and rows is not None:
        refuse_idle_parts(method, bound.request, resource, diagnostics)
        hits = read_hits(cast("Descriptor", rows.message_type), resource, diagnostics)
        of_kind = partial(SearchMethod, hits=hits) if hits is not None else StandardMethod
    return of_kind(
        descriptor=method,
        kind=kind,
        resource=resource,
        request=bound.request,
        response=response,
        keys=bound.keys,
        equals=bound.equals,
        item=bound.item and replace(bound.item, related=_written_with(resource, resources, bound.item.kind)),
        related=related,
        routes=read_routes(http_rule(method.full_name, diagnostics)),
        allow=read_allow(method, diagnostics),
        row_limits=read_row_limits(method, kind, bound.request, diagnostics),
    )


def _related_to(
    resource: Resource,
    resources: Mapping[str, Resource],
    follows: Callable[[Relation], bool] = lambda _: True,
) -> dict[str, Resource]:
    """Return the resources that a resource's relations lead to, at any depth, by name."""
    found: dict[str, Resource] = {}
    waiting = [relation.target for relation in resource.relations if follows(relation)]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = resources[name]
            waiting.extend(one.target for one in resources[name].relations if follows(one))
    return found


def _written_with(
    resource: Resource, resources: Mapping[str, Resource], kind: MethodKind
) -> dict[str, Resource]:
    """Return the resources whose rows a method writes with the resource's own."""
    return _related_to(resource, resources, lambda one: one.is_created) if kind in _WRITING else {}


_WRITING = frozenset({MethodKind.CREATE, MethodKind.BATCH_CREATE, MethodKind.UPDATE, MethodKind.BATCH_UPDATE})


def bind_request(method: MethodDescriptor, kind: MethodKind, binder: Binder) -> StandardMethod:
    """Return the method with its request alone bound; fields left over are diagnostics."""
    shape = SHAPES[kind]
    keys = _key_fields(binder) if shape.keys is Keys.ONE else ()
    request = {**_batch_keys(shape, binder), **binder.roles(shape.request)}
    item = _item(method, shape, request, binder)
    if "keys" in request and item is None:
        keys = (request["keys"],)
    equals = _equals(binder) if shape.equals else ()
    _refuse_left(binder, shape)
    return StandardMethod(
        descriptor=method,
        kind=kind,
        resource=binder.resource,
        request=request,
        keys=keys,
        equals=equals,
        item=item,
    )


def _key_fields(binder: Binder) -> tuple[FieldDescriptor, ...]:
    found = []
    for key in binder.resource.key_fields:
        field = binder.message.fields_by_name.get(key.name)
        if field is None:
            binder.diagnostics.add(binder.where, f'lacks the key field "{key.name}"', "add it")
        elif not same_type(field, key.descriptor) or field.is_repeated:
            right = f"declare it as {key.descriptor.full_name} is"
            binder.diagnostics.add(binder.take(field).full_name, "is of another type than the key", right)
        else:
            found.append(binder.take(field))
    return tuple(found)


def _batch_keys(shape: Shape, binder: Binder) -> dict[str, FieldDescriptor]:
    if shape.keys not in (Keys.MANY, Keys.MANY_OR_ITEMS):
        return {}
    field = _plain_keys(binder) or _key_messages(binder)
    if field is None:
        binder.diagnostics.add(binder.where, "lacks the keys", _wanted_keys(binder))
        return {}
    holds_requests = shape.keys is Keys.MANY_OR_ITEMS and field.name == "requests"
    return {"requests" if holds_requests else "keys": binder.take(field)}


def _plain_keys(binder: Binder) -> FieldDescriptor | None:
    """Return the repeated field of a one-column key's own type."""
    if len(binder.resource.key_fields) != 1:
        return None
    (key,) = binder.resource.key_fields
    named = map(binder.message.fields_by_name.get, (key.name, f"{key.name}s", "keys"))
    return next((field for field in named if field and _holds_keys(field, key)), None)


def _holds_keys(field: FieldDescriptor, key: Field) -> bool:
    return field.is_repeated and same_type(field, key.descriptor)


def _key_messages(binder: Binder) -> FieldDescriptor | None:
    """Return the repeated field of messages that hold the key's fields."""
    named = map(binder.message.fields_by_name.get, _ITEM_FIELDS)
    return next((field for field in named if field and field.is_repeated and field.message_type), None)


def _wanted_keys(binder: Binder) -> str:
    names = [key.name for key in binder.resource.key_fields]
    if len(names) == 1:
        return f'add a repeated "{names[0]}s" of the key\'s type'
    return f'add a repeated "requests" of messages with {", ".join(names)}'


def _item(
    method: MethodDescriptor, shape: Shape, request: Mapping[str, FieldDescriptor], outer: Binder
) -> StandardMethod | None:
    """Return the single method that a batch's messages are bound as; None where it holds plain keys."""
    kind = shape.item if "requests" in request else MethodKind.GET
    field = request.get("requests") or request.get("keys")
    plain = field is None or field.message_type is None or field == _plain_keys(outer)
    if field is None or kind is None or plain:
        return None
    message = cast("Descriptor", field.message_type)
    return bind_request(method, kind, replace(outer, message=message, taken=set()))


def _equals(binder: Binder) -> tuple[tuple[FieldDescriptor, Field], ...]:
    known = binder.resource.by_name
    pairs = [(field, known[field.name]) for field in binder.left() if field.name in known]
    fitting = [pair for pair in pairs if same_shape(pair[0], pair[1].descriptor)]
    for field, stored in fitting:
        if not stored.type.equality:
            right = "leave it out, or filter by what is inside"
            binder.diagnostics.add(
                field.full_name, f"asks for equality, which {stored.type.sql} has not", right
            )
    return tuple((binder.take(field), stored) for field, stored in fitting)


def _refuse_left(binder: Binder, shape: Shape) -> None:
    names = ", ".join(role.name for role in shape.request)
    for field in binder.left():
        more = " and the resource's own fields" if shape.equals else ""
        binder.diagnostics.add(
            field.full_name, f"has no meaning in a {shape.name} request", f"known: {names}{more}"
        )


def _response(
    method: MethodDescriptor,
    shape: Shape,
    resource: Resource,
    keys: FieldDescriptor | None,
    diagnostics: Diagnostics,
) -> dict[str, FieldDescriptor]:
    output = method.output_type
    name = output.full_name
    empty = (
        shape.answer in (Answer.EMPTY_OR_RESOURCE, Answer.EMPTY_OR_FIELDS) and name == "google.protobuf.Empty"
    )
    if empty:
        return {}
    if shape.answer in (Answer.RESOURCE, Answer.EMPTY_OR_RESOURCE):
        if name != resource.message.full_name:
            wanted = shape.answer.value.replace("the resource", resource.message.full_name)
            diagnostics.add(method.full_name, f"returns {name}", f"it must return {wanted}")
        return {}
    binder = Binder(
        message=output, resource=resource, diagnostics=diagnostics, method=method.full_name, keys=keys
    )
    bound = binder.roles(shape.response)
    for field in binder.left():
        known = ", ".join(role.name for role in shape.response)
        diagnostics.add(field.full_name, f"has no meaning in a {shape.name} response", f"known: {known}")
    return bound
