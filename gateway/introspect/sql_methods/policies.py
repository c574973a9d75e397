"""Policies of the tables that a query touches: they don't hold in it, so its author has to say so."""

from collections.abc import Iterator
from typing import Protocol

from gateway.introspect.sql_methods.touched import Touched
from gateway.introspect.tables.table_records import Name
from gateway.policy.columns import has_limits
from gateway.schema.diagnostics import Diagnostic
from gateway.schema.model import Audit, Resource, Schema
from gateway.schema.sql_text import Query
from gateway.schema.tables.internal import INTERNAL_SCHEMA

_STATISTICS = frozenset(Name("pg_catalog", name) for name in ("pg_statistic", "pg_statistic_ext_data"))
_RIGHT = "say policy: BYPASS, and have the query's own conditions say what its caller may have, :principal.id"


class Asked(Protocol):
    """A query that its author wrote: a method's, or a handler's."""

    @property
    def query(self) -> Query:
        """The query."""

    @property
    def bypasses_policies(self) -> bool:
        """Whether it may touch tables whose policies don't hold in it."""

    def wrong(self, offset: int, wrong: str, right: str) -> Diagnostic:
        """Return a diagnostic of a place in it."""


def policy_problems(
    method: Asked, schema: Schema, touched: Touched, *, by_callers: bool
) -> Iterator[Diagnostic]:
    """Yield why a method would do what no policy allows, or what isn't audited.

    With `by_callers` PostgreSQL's own policies hold, but in what reads by the rights of whoever made it.
    """
    resources = {Name(one.schema, one.table): one for one in schema.resources.values()}
    for name in sorted(touched.written & resources.keys()):
        if resources[name].audit is not Audit.NOTHING:
            text = f"the query writes {name}, which is audited, and changes by queries aren't"
            yield _at(method, name, text, "change it by the standard methods")
    for name in sorted(touched.relations):
        if name.schema == INTERNAL_SCHEMA:
            yield _at(method, name, f"the query touches {name}, which is the gateway's own", "leave it out")
    if method.bypasses_policies:
        return
    if touched.relations & _STATISTICS and any(_held(one, is_written=True) for one in resources.values()):
        yield method.wrong(0, "PostgreSQL's statistics have values of tables with policies", _RIGHT)
    secured = touched.secured if by_callers else frozenset()
    upheld = frozenset() if touched.definers else secured & touched.direct
    for name in sorted(touched.relations):
        resource = resources.get(name)
        held = _held(resource, is_written=name in touched.written) if resource is not None else ""
        held = held or (_ROWS if name in secured else "")
        if held and not (held == _ROWS and name in upheld):
            yield _at(method, name, f"{name} has {held}, which doesn't hold in the query", _RIGHT)
    opaque = touched.opaque & touched.definers if by_callers else touched.opaque
    if opaque and any(_held(one, is_written=True) for one in resources.values()):
        told = f"the query calls {', '.join(sorted(opaque))}: what that reads can't be told"
        yield method.wrong(0, f"{told}, and some tables have policies", _RIGHT)


_ROWS = "a policy of its rows"


def _held(resource: Resource, *, is_written: bool) -> str:
    """Return what holds of a table by the gateway alone; nothing where nothing does."""
    if has_limits(resource):
        return "columns that aren't everybody's"
    if is_written and any(field.preset is not None for field in resource.fields):
        return "preset columns"
    return _ROWS if resource.policy is not None else ""


def _at(method: Asked, name: Name, wrong: str, right: str) -> Diagnostic:
    return method.wrong(method.query.words.get(name.name, 0), wrong, right)
