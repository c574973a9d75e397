"""Model and catalog side by side: the one comparison behind serve, migrate --check and revisions."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from gateway.introspect.drift.differences import Change, Difference, Kind, is_shorter_text
from gateway.introspect.drift.distribution import distribution_differences
from gateway.introspect.drift.partitions import partitioning_differences
from gateway.introspect.tables.definitions import Part, definition
from gateway.introspect.tables.table_records import Catalog, Column, Name, Surroundings, Table

_TEXT = re.compile(r"(E?'(?:[^']|'')*')::(?:text|character varying)")


def compare(wanted: Catalog, found: Catalog) -> tuple[Difference, ...]:
    """Return what differs, tables in order of name; an equal pair gives nothing.

    Args:
        wanted: the model, spelled by the same PostgreSQL (gateway.introspect.tables.model_tables).
        found: the catalog of the same tables. Tables that only the catalog has are reported as extra.

    """
    return (*compare_surroundings(wanted, found), *_tables(wanted, found))


def compare_surroundings(wanted: Surroundings, found: Surroundings) -> tuple[Difference, ...]:
    """Return what differs in schemas, extensions and enum types."""
    return (
        *(
            Difference(Kind.SCHEMA, Change.MISSING, name=name)
            for name in sorted(wanted.schemas - found.schemas)
        ),
        *(
            Difference(Kind.EXTENSION, Change.MISSING, name=name)
            for name in sorted(wanted.extensions - found.extensions)
        ),
        *(
            difference
            for name, labels in sorted(wanted.enums.items())
            for difference in _enum(name, labels, found.enums.get(name))
        ),
    )


def _enum(name: Name, wanted: Sequence[str], found: Sequence[str] | None) -> Iterator[Difference]:
    if found is None:
        yield Difference(Kind.ENUM, Change.MISSING, table=name)
        return
    for label in wanted:
        if label not in found:
            yield Difference(Kind.LABEL, Change.MISSING, table=name, name=label)
    for label in found:
        if label not in wanted:
            yield Difference(Kind.LABEL, Change.EXTRA, table=name, name=label)
    shared = [label for label in wanted if label in found]
    if shared != [label for label in found if label in wanted]:
        yield Difference(
            Kind.ENUM, Change.DIFFERENT, table=name, found=", ".join(found), wanted=", ".join(wanted)
        )


def _tables(wanted: Catalog, found: Catalog) -> Iterator[Difference]:
    for name in sorted({*wanted.tables, *found.tables}):
        ours, theirs = wanted.tables.get(name), found.tables.get(name)
        if theirs is None and name in found.others:
            yield _different(Kind.TABLE, name, "", "a table", found.others[name])
        elif theirs is None:
            yield Difference(Kind.TABLE, Change.MISSING, table=name)
        elif ours is None:
            yield Difference(Kind.TABLE, Change.EXTRA, table=name)
        else:
            yield from _table(ours, theirs, found.loose)
            yield from _cascades(ours, theirs, wanted)


def _table(wanted: Table, found: Table, loose: Collection[Name]) -> Iterator[Difference]:
    if wanted.children != found.children:
        yield _different(Kind.CHILDREN, wanted.name, "", None, ", ".join(map(str, found.children)))
    if wanted.partition_key:
        yield from partitioning_differences(wanted, found, loose)
    yield from distribution_differences(wanted, found)
    if wanted.rules != found.rules:
        yield _different(Kind.RULES, wanted.name, "", None, ", ".join(found.rules))
    yield from _columns(wanted, found)
    yield from _parts(Kind.KEY, wanted.name, wanted.keys, found.keys)
    yield from _parts(Kind.CHECK, wanted.name, wanted.checks, found.checks)
    yield from _parts(Kind.FOREIGN_KEY, wanted.name, wanted.foreign_keys, found.foreign_keys)
    yield from _parts(Kind.INDEX, wanted.name, wanted.indexes, found.indexes)
    if wanted.comment != found.comment:
        yield _different(Kind.COMMENT, wanted.name, "", wanted.comment, found.comment)


def _cascades(ours: Table, theirs: Table, wanted: Catalog) -> Iterator[Difference]:
    """Yield that rows of which the model says nothing go with a table's, where they do."""
    unknown = [
        f"{table} ({key})"
        for table, key in theirs.cascades
        if (table, key) not in ours.cascades
        and not (table in wanted.tables and key in wanted.tables[table].foreign_keys)
    ]
    if unknown:
        yield _different(Kind.CASCADES, ours.name, "", None, ", ".join(unknown))


def _columns(wanted: Table, found: Table) -> Iterator[Difference]:
    for name, column in wanted.columns.items():
        if name not in found.columns:
            yield Difference(Kind.COLUMN, Change.MISSING, table=wanted.name, name=name, wanted=column.type)
        else:
            yield from _column(wanted.name, column, found.columns[name])
    for name, column in found.columns.items():
        if name not in wanted.columns:
            change = Change.EXTRA if column.fills_itself else Change.IN_THE_WAY
            yield Difference(Kind.COLUMN, change, table=wanted.name, name=name, found=column.type)


def _column(table: Name, wanted: Column, found: Column) -> Iterator[Difference]:
    serial = bool(wanted.identity) and (found.default or "").startswith("nextval(")
    default = None if serial else found.default
    if wanted.default is None and is_filled(wanted, found):
        default = None
    if is_shorter_text(wanted.type, found.type) and _bare(wanted.default) == _bare(default):
        default = wanted.default
    pairs = (
        (Kind.TYPE, wanted.type, found.type),
        (Kind.NULLABLE, _nullable(wanted), _nullable(found)),
        (Kind.DEFAULT, wanted.default, default),
        (Kind.GENERATED, wanted.generated, found.generated),
        (Kind.IDENTITY, wanted.identity or None, found.default if serial else found.identity or None),
        (Kind.COMMENT, wanted.comment, found.comment),
    )
    for kind, ours, theirs in pairs:
        if ours != theirs:
            yield _different(kind, table, wanted.name, ours, theirs)


def is_filled(wanted: Column, found: Column) -> bool:
    """Return whether the default that was found is one that fills a new column, and no difference."""
    return wanted.fill is not None and _bare(found.default) == _bare(wanted.fill)


def _bare(expression: str | None) -> str | None:
    """Return a default's expression without the type of the text that is all of it."""
    match = _TEXT.fullmatch(expression or "")
    return match[1] if match else expression


def _nullable(column: Column) -> str:
    return "NULL" if column.nullable else "NOT NULL"


def _parts(
    kind: Kind, table: Name, wanted: Mapping[str, Part], found: Mapping[str, Part]
) -> Iterator[Difference]:
    for name, part in wanted.items():
        if name not in found:
            yield Difference(kind, Change.MISSING, table=table, name=name, wanted=definition(part))
        elif part != found[name]:
            yield _different(kind, table, name, definition(part), definition(found[name]))
    for name, part in found.items():
        if name not in wanted:
            yield Difference(kind, Change.EXTRA, table=table, name=name, found=definition(part))


def _different(kind: Kind, table: Name, name: str, wanted: str | None, found: str | None) -> Difference:
    return Difference(kind, Change.DIFFERENT, table=table, name=name, wanted=wanted, found=found)
