"""The smallest case that fails as a large one does, found by leaving out."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from tests.generated_schemas.drawing import Case, Step


def reduced(case: Case, fails: Callable[[Case], bool]) -> Case:
    """Return the case without the steps, columns and options whose absence leaves it failing."""
    smaller = next((one for one in _smaller(case) if fails(one)), None)
    while smaller is not None:
        case = smaller
        smaller = next((one for one in _smaller(case) if fails(one)), None)
    return case


def _smaller(case: Case) -> Iterator[Case]:
    count = len(case.steps)
    size = count // 2
    while size:
        for start in range(count - size, -1, -size):
            yield replace(case, steps=(*case.steps[:start], *case.steps[start + size :]))
        size //= 2
    schema = case.schema
    for column in schema.written:
        yield _without(case, column.name)
    for name in ("table", "place", "roles", "unique", "indexes", "checks"):
        if getattr(schema, name):
            yield replace(case, schema=replace(schema, **{name: type(getattr(schema, name))()}))
    for place, column in enumerate(schema.columns):
        if column.column:
            columns = (*schema.columns[:place], replace(column, column=""), *schema.columns[place + 1 :])
            yield replace(case, schema=replace(schema, columns=columns, indexes=()))


def _without(case: Case, name: str) -> Case:
    """Return the case without a column."""
    schema = case.schema
    kept = replace(
        schema,
        columns=tuple(column for column in schema.columns if column.name != name),
        unique=tuple(names for names in schema.unique if name not in names),
        indexes=tuple(index for index in schema.indexes if index["columns"][0].split()[0] != name),
        checks=tuple(one for one in schema.checks if one != name),
    )
    return Case(kept, tuple(one for step in case.steps if (one := _forgotten(step, name)) is not None))


def _forgotten(step: Any, name: str) -> Any:
    """Return a step that doesn't speak of a column; None where it has nothing else to say."""
    verb, *rest = step
    if verb == "list" and f"'{name}'" in repr(step):
        return None
    if verb == "list":
        return step if name not in repr(rest[1]) else None
    if verb == "refused" and rest[2][0] == name:
        return None
    return _left(step, name)


def _left(part: Any, name: str) -> Step | Any:
    if isinstance(part, dict):
        return {key: _left(value, name) for key, value in part.items() if key != name}
    if isinstance(part, list):
        return [_left(one, name) for one in part if one != name]
    return tuple(_left(one, name) for one in part) if isinstance(part, tuple) else part
