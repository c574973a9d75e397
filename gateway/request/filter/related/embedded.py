"""Conditions that were checked before, within a filter that is: their binds become the filter's own."""

from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from gateway.request.filter.context import Context
from gateway.request.filter.plan import Hop, Predicate
from gateway.request.filter.weight import MAX_HOPS, too_heavy

T = TypeVar("T")


def held_by(context: Context, hop: Hop) -> tuple[Predicate, ...]:
    """Return what the rows of a relation have to be, as a part of the filter under check.

    Raises InvalidArgument for one relation too many, before it is made for more than the filter may weigh.
    """
    context.hops += 1
    if context.hops > MAX_HOPS:
        raise too_heavy()
    binds = [context.bind(value) for value in hop.values]
    return tuple(with_binds(shape, binds) for shape in hop.conditions)


def with_binds(shape: T, binds: list[int]) -> T:
    """Return a shape whose binds have other numbers: all whole numbers in a plan are those of binds."""
    changed = {one.name: _changed(getattr(shape, one.name), binds) for one in fields(shape)}  # type: ignore[arg-type]
    return replace(shape, **changed)  # type: ignore[type-var]


def _changed(value: Any, binds: list[int]) -> Any:
    if isinstance(value, tuple):
        return tuple(_changed(one, binds) for one in value)
    if isinstance(value, int) and not isinstance(value, bool):
        return binds[value]
    is_part = is_dataclass(value) and not isinstance(value, Hop | type)
    return with_binds(value, binds) if is_part else value
