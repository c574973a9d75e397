"""At start: SQL methods that don't fit the database, or its tables' policies, aren't served."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from gateway.introspect.sql_methods.columns import read_columns
from gateway.introspect.sql_methods.description import Description, QueryRefusedError, describe
from gateway.introspect.sql_methods.policies import policy_problems
from gateway.introspect.sql_methods.touched import not_null_columns, touched_by
from gateway.introspect.sql_methods.types import caller_type, declared, right_for, type_of
from gateway.schema.diagnostics import Diagnostic, SchemaError
from gateway.schema.model import Method, Schema
from gateway.schema.sql_method import SqlMethod, SqlParameter
from gateway.schema.types import InvalidTypeError

_CLOSE_SECONDS = 5


async def with_queries(
    connect: Callable[[], Awaitable[Any]], schema: Schema, roles: Collection[str] | None = None
) -> Schema:
    """Return the schema whose SQL methods know their parameters' and columns' types.

    Raises SchemaError with all that is wrong with them.

    Args:
        connect: opens an asyncpg connection, which is closed again.
        schema: the schema.
        roles: those of callers, by which statements run, and for whom PostgreSQL's policies hold; None
            where they run by the gateway's own.

    """
    served = (one for service in schema.services.values() for one in service.methods)
    methods = [one for one in served if isinstance(one, SqlMethod)]
    if not methods:
        return schema
    connection = await connect()
    wrong: list[Diagnostic] = []
    known: dict[str, Method] = {}
    try:
        for method in methods:
            known[method.full_name] = await _checked(connection, method, schema, roles, wrong)
    finally:
        await connection.close(timeout=_CLOSE_SECONDS)
    if wrong:
        raise SchemaError(wrong)
    services = {
        name: replace(one, methods=tuple(known.get(method.full_name, method) for method in one.methods))
        for name, one in schema.services.items()
    }
    return Schema(schema.resources, MappingProxyType(services))


async def _checked(
    connection: Any, method: SqlMethod, schema: Schema, roles: Collection[str] | None, wrong: list[Diagnostic]
) -> SqlMethod:
    try:
        found = await describe(connection, method, roles or ())
    except QueryRefusedError as error:
        wrong.append(method.wrong(error.offset, error.wrong, error.right))
        return method
    plan = found.plan
    parameters = _parameters(method, found, wrong)
    never_null = await _never_null(connection, found)
    columns = read_columns(method, found, never_null, schema.resources, wrong)
    if plan.writes and not method.writes:
        wrong.append(method.wrong(0, "the query changes or locks rows", "say writes: true"))
    touched = await touched_by(connection, method.query, plan)
    wrong += policy_problems(method, schema, touched, by_callers=roles is not None)
    return replace(method, parameters=parameters, columns=columns, is_volatile=touched.is_volatile)


async def _never_null(connection: Any, found: Description) -> Mapping[int, bool]:
    """Return the places of columns that are plainly a table's, and NOT NULL: whether a join may undo that."""
    places = range(len(found.columns))
    sources = {place: one for place in places if (one := found.plan.source_of(place)) is not None}
    known = await not_null_columns(connection, [(name, column) for name, column, _ in sources.values()])
    return {place: joined for place, (name, column, joined) in sources.items() if (name, column) in known}


def _parameters(method: SqlMethod, found: Description, wrong: list[Diagnostic]) -> tuple[SqlParameter, ...]:
    known = []
    first = {place.name: place.start for place in reversed(method.query.places)}
    for one, type_ in zip(method.parameters, found.parameters, strict=True):
        try:
            kind = caller_type(one.name, type_) if one.is_callers else type_of(one.path[-1], type_)
        except InvalidTypeError as error:
            told = "" if one.is_callers else f", and {one.path[-1].full_name} is {declared(one.path[-1])}"
            text = f":{one.name} is {type_.name} in the query{told}: {error.wrong}"
            right = error.right if one.is_callers else right_for(type_, f":{one.name}")
            wrong.append(method.wrong(first[one.name], text, right))
        else:
            known.append(replace(one, type=kind))
    return tuple(known)
