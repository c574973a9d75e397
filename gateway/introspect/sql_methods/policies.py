"""Policies of the tables that a query touches: they don't hold in it, so its author has to say so."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from gateway.introspect.table_records import Name
from gateway.policy.columns import has_limits
from gateway.schema.diagnostics import Diagnostic
from gateway.schema.model import Audit, Resource, Schema
from gateway.schema.sql_method import SqlMethod

_RIGHT = "say policy: BYPASS, and have the query's own conditions say what its caller may have, :principal.id"


@dataclass(frozen=True, slots=True)
class Touched:
    """What a query touches.

    Args:
        relations: the tables, and whether row-level security is on; None where that can't be told.
        written: those that it writes.
        opaque: the functions that may read any.

    """

    relations: Mapping[Name, bool] | None
    written: AbstractSet[Name]
    opaque: tuple[str, ...]


def policy_problems(
    method: SqlMethod, schema: Schema, touched: Touched, *, by_callers: bool
) -> Iterator[Diagnostic]:
    """Yield why a method would do what no policy allows, or what isn't audited."""
    resources = {Name(one.schema, one.table): one for one in schema.resources.values()}
    for name in sorted(touched.written & resources.keys()):
        if resources[name].audit is not Audit.NOTHING:
            text = f"the query writes {name}, which is audited, and changes by queries aren't"
            yield _at(method, name, text, "change it by the standard methods")
    if method.bypasses_policies:
        return
    if touched.relations is None:
        yield from _untold(
            method, schema, "the role may not have the query planned, so what it reads can't be told"
        )
        return
    for name, is_secured in sorted(touched.relations.items()):
        resource = resources.get(name)
        held = _held(resource, name in touched.written) if resource is not None else ""
        if held and not (by_callers and is_secured and held == _ROWS):
            yield _at(method, name, f"{name} has {held}, which doesn't hold in the query", _RIGHT)
    if touched.opaque and not by_callers:
        told = f"the query calls {', '.join(touched.opaque)}: what that reads can't be told"
        yield from _untold(method, schema, told)


_ROWS = "a policy of its rows"


def _held(resource: Resource, is_written: bool) -> str:  # noqa: FBT001 - of one caller
    """Return what holds of a table by the gateway alone; nothing where nothing does."""
    if has_limits(resource):
        return "columns that aren't everybody's"
    if is_written and any(field.preset is not None for field in resource.fields):
        return "preset columns"
    return _ROWS if resource.policy is not None else ""


def _untold(method: SqlMethod, schema: Schema, told: str) -> Iterator[Diagnostic]:
    if any(_held(one, is_written=True) for one in schema.resources.values()):
        yield method.wrong(0, f"{told}, and some tables have policies", _RIGHT)


def _at(method: SqlMethod, name: Name, wrong: str, right: str) -> Diagnostic:
    return method.wrong(method.query.words.get(name.name, 0), wrong, right)
