"""Servicers: which methods of the schema a class answers that subclasses generated code."""

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pool import Default

from gateway.handlers.errors import wrong_at
from gateway.schema.diagnostics import Diagnostic, suggestion
from gateway.schema.model import Method, Schema
from gateway.schema.reachable_messages import reachable

_ARGUMENTS = 2
"""Of a servicer's method beside `self`: request and context."""


class _Registry:
    """Stands for a server, to hear from generated code which service a servicer is for."""

    def __init__(self) -> None:
        self.service = ""

    def add_generic_rpc_handlers(self, handlers: Any) -> None:
        """Take handlers, which know their service's name."""
        self.service = str(handlers[0].service_name())

    def add_registered_method_handlers(self, service: str, _handlers: Any) -> None:
        """Take handlers with the service's name."""
        self.service = service


def servicers_in(module: ModuleType) -> Iterator[type]:
    """Yield the classes of a module that subclass generated servicers."""
    for one in vars(module).values():
        if isinstance(one, type) and _register(one) is None and _generated_base(one) is not None:
            yield one


def functions_of(servicer: type, schema: Schema, wrong: list[Diagnostic]) -> Mapping[str, Callable[..., Any]]:
    """Return what answers methods, by their full names, of an instance that is made here.

    What is wrong with the class is noted.
    """
    base = _generated_base(servicer)
    if base is None:
        raise TypeError(servicer)
    try:
        instance = servicer()
    except Exception as error:  # noqa: BLE001 - whatever it does is told
        told = f"can't be made: {type(error).__name__}: {error}"
        wrong.append(wrong_at(servicer, servicer.__qualname__, told, "its __init__ takes no arguments"))
        return {}
    name = _service_name(base, instance)
    service = schema.services.get(name)
    if service is None:
        told = f"is of {name}, which the schema hasn't"
        wrong.append(wrong_at(servicer, servicer.__qualname__, told, suggestion(name, schema.services)))
        return {}
    methods = {str(one.descriptor.name): one for one in service.methods}
    found: dict[str, Callable[..., Any]] = {}
    for known, function in _own_functions(servicer, base):
        method = methods.get(known)
        where = f"{servicer.__qualname__}.{known}"
        if method is None:
            right = suggestion(known, methods)
            told = f"is no method of {name}"
            wrong.append(wrong_at(function, where, told, f"{right} (others begin with _)".strip()))
        elif (misfit := _misfit(method, function)) is not None:
            wrong.append(wrong_at(function, where, *misfit))
        else:
            found[method.full_name] = getattr(instance, known)
            wrong += [wrong_at(function, where, *one) for one in outdated(method)]
    return found


def outdated(method: Method) -> Iterator[tuple[str, str]]:
    """Yield how the generated messages of a method differ from the schema's."""
    right = "import the code that is generated of the schema, and generate it anew"
    for message in (method.descriptor.input_type, method.descriptor.output_type):
        for name, served in reachable(message).items():
            try:
                generated = Default().FindMessageTypeByName(name)
            except KeyError:
                yield f"the generated code has no {name}", right
                return
            if _shape(generated) != _shape(served):
                yield f"{name} isn't what it is in the schema", right


def _shape(message: Descriptor) -> set[tuple[Any, ...]]:
    return {_field_shape(field) for field in message.fields}


def _field_shape(field: FieldDescriptor) -> tuple[Any, ...]:
    held = field.message_type or field.enum_type
    name = "" if held is None else str(held.full_name)
    return field.number, field.name, field.type, bool(field.is_repeated), bool(field.has_presence), name


def _own_functions(servicer: type, base: type) -> Iterator[tuple[str, Any]]:
    """Yield what a class defines beside or in place of the generated methods, but for what begins with _."""
    for name, function in inspect.getmembers(servicer, inspect.isfunction):
        if not name.startswith("_") and function is not getattr(base, name, None):
            yield name, function


def _misfit(method: Method, function: Any) -> tuple[str, str] | None:
    """Return what is wrong with a function that is to answer a method, and what would be right."""
    streams = bool(method.descriptor.server_streaming)
    first = "requests" if method.descriptor.client_streaming else "request"
    right = f"async def {method.descriptor.name}(self, {first}, context)"
    if streams and not inspect.isasyncgenfunction(function):
        return "doesn't yield its responses, as the method streams them", f"{right}: … yield response"
    if not streams and not inspect.iscoroutinefunction(function):
        return "is no coroutine", right
    return None if takes(function, _ARGUMENTS + 1) else ("takes other arguments", right)


def takes(function: Any, count: int) -> bool:
    """Whether a function can be called with so many arguments."""
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return False
    return True


def _generated_base(servicer: type) -> type | None:
    """Return the generated class that a class is, or subclasses; None for another class."""
    return next((one for one in servicer.__mro__ if _register(one) is not None), None)


def _register(one: type) -> Any:
    """Return the function beside a generated servicer that registers it; None of another class."""
    return getattr(sys.modules.get(one.__module__), f"add_{one.__name__}_to_server", None)


def _service_name(base: type, instance: Any) -> str:
    registry = _Registry()
    _register(base)(instance, registry)
    return registry.service
