"""Relations that are written: what has to hold so that their rows are those of the row which holds them."""

from collections.abc import Iterator, Sequence

from gateway.schema.model import Relation, Resource


def unfit_to_be_written(
    relation: Relation, resource: Resource, target: Resource
) -> Iterator[tuple[str, str]]:
    """Yield why rows of a relation can't be written with the row that holds them, and what would be right.

    Args:
        relation: it.
        resource: what holds it.
        target: what its rows are.

    """
    if not target.primary_key:
        yield f"is written, but {target.name} has no key", "leave write out"
        return
    if relation.filter:
        yield "is written, and has a filter, which rows that are sent may not meet", "leave one of both out"
    if not is_unique(resource, relation.columns):
        columns = ", ".join(relation.columns)
        yield f"is written, but several rows may hold its rows: {columns} is no key", "leave write out"
    elif _refers_to(resource, target, relation):
        yield f"is written, but it is the {target.name} that has to be there first", "leave write out"
    for own, other in zip(relation.columns, relation.references, strict=True):
        held, given = target.by_column[other], resource.by_column[own]
        if not held.writable:
            yield f'is written, but the server sets "{held.name}" of {target.name}', "leave write out"
        if (held.type.kind, held.type.text_cast) != (given.type.kind, given.type.text_cast):
            wrong = (
                f'is written, but "{given.name}" is {given.type.sql}, and "{held.name}" is {held.type.sql}'
            )
            yield wrong, "give both the same type"


def is_unique(resource: Resource, columns: Sequence[str]) -> bool:
    """Whether no two rows have the same values there."""
    keys = [resource.primary_key, *(key.columns for key in resource.unique)]
    return any(key and set(key) <= set(columns) for key in keys)


def _refers_to(resource: Resource, target: Resource, relation: Relation) -> bool:
    """Whether a foreign key goes the other way: from what holds the relation."""
    pairs = {*zip(relation.columns, relation.references, strict=True)}
    return any(
        (key.target_schema, key.target_table) == (target.schema, target.table)
        and {*zip(key.columns, key.target_columns, strict=False)} == pairs
        for key in resource.foreign_keys
    )
