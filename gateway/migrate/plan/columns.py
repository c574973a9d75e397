"""Changes of one column in place."""

from collections.abc import Iterator

from gateway.introspect.tables import ddl
from gateway.introspect.tables.table_records import Column, Name
from gateway.migrate.plan.steps import Step
from gateway.migrate.plan.widening import conversion, keeps_every_row, keeps_every_value
from gateway.schema.tables.literals import literal


def alter_column(table: Name, wanted: Column, found: Column, *, filled: bool = True) -> Iterator[Step]:
    """Yield what makes the found column the wanted one; nothing where they are alike. Comments aside.

    Args:
        table: their table.
        wanted: the column as it shall be.
        found: the column as it is.
        filled: whether it may become NOT NULL at once; else that is proved first (plan/online.py).

    """
    alter = f"ALTER TABLE {ddl.quoted(table)} ALTER COLUMN {ddl.quote(wanted.name)}"
    where = f"column {table}.{wanted.name}"
    if found.generated is not None and wanted.generated is None:
        yield Step(f"{alter} DROP EXPRESSION", f"{where} is computed, the schema says that it isn't")
    retyped = wanted.type != found.type
    if found.identity and not wanted.identity:
        yield Step(f"{alter} DROP IDENTITY", f"{where} is an identity, the schema says that it isn't")
    if found.default is not None and (retyped or wanted.default is None):
        why = "changes its type" if retyped else "the schema says none"
        yield Step(f"{alter} DROP DEFAULT", f"{where} has the default {found.default}, {why}")
    if retyped:
        yield _retype(alter, where, wanted, found)
    if filled or wanted.nullable:
        yield from _nullability(alter, where, wanted, found)
    if wanted.default is not None and (retyped or wanted.default != found.default):
        yield Step(
            f"{alter} SET DEFAULT {wanted.default}",
            f"{where} has the default {found.default or 'none'}, the schema says {wanted.default}",
        )
    if wanted.identity != found.identity and wanted.identity:
        yield from _identity(alter, table, wanted, found)


def _retype(alter: str, where: str, wanted: Column, found: Column) -> Step:
    destroys, rows = "", "every row is written anew"
    if not keeps_every_value(found.type, wanted.type):
        destroys = f"changes {where} from {found.type} to {wanted.type}"
    elif keeps_every_row(found.type, wanted.type):
        rows = "no row is written anew"
    using = conversion(ddl.quote(wanted.name), found.type, wanted.type)
    reason = f"{where} is {found.type}, the schema says {wanted.type}: {rows}"
    return Step(f"{alter} TYPE {wanted.type}{using}", reason, destroys)


def _nullability(alter: str, where: str, wanted: Column, found: Column) -> Iterator[Step]:
    if wanted.nullable and not found.nullable:
        yield Step(f"{alter} DROP NOT NULL", f"{where} is NOT NULL, the schema says NULL")
    if found.nullable and not wanted.nullable:
        yield Step(f"{alter} SET NOT NULL", f"{where} is NULL, the schema says NOT NULL")


def _identity(alter: str, table: Name, wanted: Column, found: Column) -> Iterator[Step]:
    reason = f"column {table}.{wanted.name} is no identity, the schema says {wanted.identity}"
    if found.identity:
        reason = f"column {table}.{wanted.name} is {found.identity}, the schema says {wanted.identity}"
        yield Step(f"{alter} SET GENERATED {wanted.identity}", reason)
        return
    yield Step(f"{alter} ADD GENERATED {wanted.identity} AS IDENTITY", reason)
    sequence = f"pg_get_serial_sequence({literal(ddl.quoted(table))}, {literal(wanted.name)})"
    highest = f"max({ddl.quote(wanted.name)})"
    rows = f"FROM {ddl.quoted(table)} HAVING {highest} > 0"
    yield Step(
        f"SELECT setval({sequence}, {highest} + 1, false) {rows}", "numbers go on after the highest stored"
    )
