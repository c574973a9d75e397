"""Authors' code of a schema: which methods it answers, and which it has hooks for."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from gateway.db.executor import Executor
from gateway.handlers.authored import AuthoredHandler, Function, Reach
from gateway.handlers.database.statements import Statements
from gateway.handlers.errors import HandlersError, place_of, wrong_at
from gateway.handlers.hooked import Hooked
from gateway.handlers.hooks import Hook, When, hooks_of
from gateway.handlers.load import load_modules
from gateway.handlers.servicers import functions_of, outdated, servicers_in, takes
from gateway.methods import Engine, TransactionHandler
from gateway.policy.permissions import methods_of
from gateway.schema.diagnostics import Diagnostic, SchemaError, suggestion
from gateway.schema.model import Method, Schema, TransactionMethod
from gateway.schema.services.authored import AuthoredMethod

_ARGUMENTS = {When.BEFORE: ("request", "context"), When.AFTER: ("request", "response", "context")}
Maker = Callable[[Method, Engine], TransactionHandler]
"""Makes the handler of a method."""


@dataclass(slots=True)
class _Found:
    """What modules hold.

    Args:
        functions: that answer methods, by their full names.
        hooks: by the full names of their methods.
        wrong: with any of it.

    """

    functions: dict[str, Function] = field(default_factory=dict)
    hooks: dict[str, list[tuple[When, Function]]] = field(default_factory=dict)
    wrong: list[Diagnostic] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Authors:
    """The code of a schema's author.

    Args:
        functions: that answer methods, by their full names.
        hooks: by the full names of their methods, in the order of the code.

    """

    functions: Mapping[str, Function]
    hooks: Mapping[str, Sequence[tuple[When, Function]]]

    @property
    def names(self) -> frozenset[str]:
        """The full names of all methods that it answers, or has hooks for."""
        return frozenset(self.functions) | frozenset(self.hooks)

    def makers(self, own: Executor, statements: Statements) -> Mapping[str, Maker]:
        """Return what makes the handlers, by the methods' full names.

        Args:
            own: the database by the gateway's own role.
            statements: runs statements of their own.

        """

        def author(function: Function) -> Maker:
            return lambda method, engine: AuthoredHandler(method, Reach(engine, own, statements), function)

        def hooked(hooks: Sequence[tuple[When, Function]]) -> Maker:
            before = [function for when, function in hooks if when is When.BEFORE]
            after = [function for when, function in hooks if when is When.AFTER]
            return lambda method, engine: Hooked(method, Reach(engine, own, statements), before, after)

        authored = {name: author(function) for name, function in self.functions.items()}
        return authored | {name: hooked(hooks) for name, hooks in self.hooks.items()}


def read_authors(names: Sequence[str], schema: Schema) -> Authors:
    """Return what files and modules have for a schema.

    Raises HandlersError with all that is wrong with them, and SchemaError for methods that they don't answer.
    """
    found = _Found()
    for module in load_modules(names):
        _read(module, schema, found)
    if found.wrong:
        raise HandlersError(found.wrong)
    authored = (one for one in methods_of(schema) if isinstance(one, AuthoredMethod))
    if missing := [_missing(one) for one in authored if one.full_name not in found.functions]:
        raise SchemaError(missing)
    return Authors(found.functions, found.hooks)


def _read(module: ModuleType, schema: Schema, found: _Found) -> None:
    servicers = list(servicers_in(module))
    hooks = [(one, hook) for one in vars(module).values() for hook in hooks_of(one)]
    if not (servicers or hooks):
        told = "holds no servicer and no hook"
        right = "subclass a generated Servicer, or decorate a function with @before or @after"
        found.wrong.append(Diagnostic(module.__file__ or module.__name__, 0, "", told, right))
    for servicer in servicers:
        for name, function in functions_of(servicer, schema, found.wrong).items():
            _add(name, function, found)
    for function, hook in hooks:
        _add_hook(function, hook, schema, found)


def _add(name: str, function: Function, found: _Found) -> None:
    other = found.functions.setdefault(name, function)
    if other is not function:
        file, line = place_of(other)
        told = f"{name} is answered twice, by {file}:{line} too"
        found.wrong.append(wrong_at(function, _name(function), told, "leave one of them out"))
    if name in found.hooks:
        found.wrong.append(_hook_of_authored(found.hooks[name][0][1]))


def _add_hook(function: Any, hook: Hook, schema: Schema, found: _Found) -> None:
    methods = {one.path.removeprefix("/"): one for one in methods_of(schema)}
    method = methods.get(hook.method)
    if method is None:
        told = f"@{hook.when.value}: the schema has no method {hook.method}"
        found.wrong.append(wrong_at(function, _name(function), told, suggestion(hook.method, methods)))
        return
    wrong = [wrong_at(function, _name(function), *one) for one in _misfits(function, hook, method)]
    if method.full_name in found.functions or isinstance(method, AuthoredMethod):
        wrong.append(_hook_of_authored(function))
    found.wrong += wrong
    found.hooks.setdefault(method.full_name, []).append((hook.when, function))


def _misfits(function: Any, hook: Hook, method: Method) -> Iterator[tuple[str, str]]:
    names = _ARGUMENTS[hook.when]
    if not (inspect.iscoroutinefunction(function) and takes(function, len(names))):
        yield "is no coroutine of these arguments", f"async def {function.__name__}({', '.join(names)})"
    if isinstance(method, TransactionMethod):
        yield f"@{hook.when.value}: {hook.method} is a transaction", "hooks see its steps, each as a call"
    elif method.descriptor.client_streaming or (
        method.descriptor.server_streaming and hook.when is When.AFTER
    ):
        yield f"@{hook.when.value}: {hook.method} streams", "hooks are for methods that take one request"
    yield from outdated(method)


def _hook_of_authored(function: Any) -> Diagnostic:
    told = "is a hook of a method that a handler answers"
    return wrong_at(function, _name(function), told, "let the handler do it")


def _missing(method: AuthoredMethod) -> Diagnostic:
    servicer = f"{method.descriptor.containing_service.name}Servicer"
    right = f"rowgate serve --handlers FILE.py, with a {servicer} that has async def {method.descriptor.name}"
    return method.wrong("is to be answered by a handler, and none is given", right)


def _name(function: Any) -> str:
    return str(getattr(function, "__qualname__", function))
