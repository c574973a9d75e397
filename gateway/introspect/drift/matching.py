"""Constraints and indexes matched by structure: a primary key called `pk_customer` is the primary key.

A name is given by whoever made the part. So each part of the model is looked for by what it is, and takes the
name that it has in the database; one that isn't there keeps the name that the schema gives it.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import count

from gateway.introspect.tables.definitions import Part
from gateway.introspect.tables.table_records import Catalog, Check, ForeignKey, Index, Key, Table


def named_as_found(wanted: Catalog, found: Catalog) -> Catalog:
    """Return the model with every part under the name of the part in the database that is the same.

    Unique keys and unique indexes over the same columns are the same, in any order of the columns.
    """
    tables = {
        name: _named(table, found.tables[name]) if name in found.tables else table
        for name, table in wanted.tables.items()
    }
    return replace(wanted, tables=tables)


def parts_of(table: Table) -> tuple[Part, ...]:
    """Return a table's keys, checks, foreign keys and indexes."""
    groups: tuple[Mapping[str, Part], ...] = (table.keys, table.checks, table.foreign_keys, table.indexes)
    return tuple(part for group in groups for part in group.values())


def with_parts(table: Table, parts: Iterable[Part]) -> Table:
    """Return the table with these keys, checks, foreign keys and indexes, and no others."""
    parts = tuple(parts)
    return replace(
        table,
        keys={part.name: part for part in parts if isinstance(part, Key)},
        checks={part.name: part for part in parts if isinstance(part, Check)},
        foreign_keys={part.name: part for part in parts if isinstance(part, ForeignKey)},
        indexes={part.name: part for part in parts if isinstance(part, Index)},
    )


def structure(part: Part) -> Hashable:
    """Return what a part enforces or speeds up, whatever it is called."""
    match part:
        case Key():
            return ("key", part.primary, frozenset(part.columns), part.nulls_not_distinct, part.deferrable)
        case Check():
            return ("check", part.expression, part.enforced, part.valid)
        case ForeignKey():
            actions = (part.on_delete, part.on_update)
            return ("foreign key", _references(part), *actions, part.enforced, part.valid)
        case Index():
            if part.is_key:
                return ("key", False, frozenset(part.plain), part.nulls_not_distinct, False)
            return replace(part, name="")


def _named(wanted: Table, found: Table) -> Table:
    left = dict(enumerate(parts_of(wanted)))
    free = list(parts_of(found))
    matched: dict[int, Part] = {}
    for likeness in (_exact, structure, _demand, _place):
        for at, part in sorted(left.items(), key=lambda item: item[0]):
            twin = next((other for other in free if likeness(other) == likeness(part)), None)
            if twin is not None:
                free.remove(twin)
                del left[at]
                same = structure(twin) == structure(part)
                matched[at] = twin if same else replace(part, name=twin.name)
    taken = {part.name for part in (*matched.values(), *free)}
    for at, part in left.items():
        matched[at] = replace(part, name=next(name for name in _names(part.name) if name not in taken))
    return with_parts(wanted, (matched[at] for at in sorted(matched)))


def _exact(part: Part) -> Hashable:
    return (part.name, structure(part))


def _demand(part: Part) -> Hashable:
    """Return what a part demands of rows, whenever and of whichever rows PostgreSQL checks it."""
    match part:
        case Key():
            return structure(replace(part, deferrable=False))
        case Check() | ForeignKey():
            return structure(replace(part, enforced=True, valid=True))
        case Index():
            return structure(part)


def _place(part: Part) -> Hashable:
    """Return what only one part of a table can be: another definition of it is a change, not an addition."""
    if isinstance(part, Key) and part.primary:
        return "primary key"
    if isinstance(part, ForeignKey):
        return _references(part)
    return (type(part), part.name)


def _references(key: ForeignKey) -> Hashable:
    return (frozenset(zip(key.columns, key.target_columns, strict=True)), key.target)


def _names(name: str) -> Iterator[str]:
    """Yield the name, and others where it is taken by something else, as PostgreSQL makes them."""
    yield name
    yield from (f"{name}{number}" for number in count(1))
