"""Numbers of the fields that columns are made from. A field keeps its number where it gets another name."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from sqlalchemy import MetaData

from gateway.introspect.tables.model_tables import managed_tables_of, table_name
from gateway.introspect.tables.table_records import Catalog
from gateway.migrate.errors import MigrationError
from gateway.migrate.plan.record import Recorded
from gateway.migrate.plan.scope import Managed
from gateway.schema.tables.metadata import NUMBER, PLACE


class Source(NamedTuple):
    """A field's number, and its file, line and full name."""

    number: int
    place: str


Fields: TypeAlias = Mapping[Recorded, Source]
"""The field of each column."""


@dataclass(frozen=True, slots=True)
class OtherName:
    """A field whose number another column was made from.

    Args:
        field: the field.
        old: that column.
        new: the column that the schema gives it.
        is_there: whether the database has the new one too.
        is_taken: whether the schema gives the old one to another field.

    """

    field: Source
    old: Recorded
    new: Recorded
    is_there: bool
    is_taken: bool

    def __str__(self) -> str:
        return f"{self.field.place}, number {self.field.number}, was {self.old.name}"

    @property
    def ways(self) -> str:
        """What to do about it."""
        ways = f'keep its column by [(rowgate.v1.column) = {{name: "{self.old.name}"}}], or '
        if self.is_there:
            return f"{ways}say that only its number changed by {_rename(self.new, self.new)}"
        ways += f"rename that by {_rename(self.old, self.new)}"
        if self.is_taken:
            ways += f", or say that only numbers changed by {_rename(self.old, self.old)}"
        return ways


def _rename(old: Recorded, new: Recorded) -> str:
    return f"--rename {old.table}.{old.name}={new.name}"


def fields_of(metadata: MetaData) -> Fields:
    """Return the fields of the columns that migrations make and alter."""
    return {
        Recorded("column", table_name(table), column.name): Source(column.info[NUMBER], column.info[PLACE])
        for table in managed_tables_of(metadata)
        for column in table.columns
        if NUMBER in column.info
    }


def other_names(fields: Fields, found: Catalog, managed: Managed) -> Iterator[OtherName]:
    """Yield the fields that have other names than when their columns were made, and of which no flag tells.

    Args:
        fields: the field of each column.
        found: the catalog, its columns renamed as flags say, without those of migrations' own use.
        managed: what migrations made.

    """
    numbers = {column: origin.number for column, origin in managed.record.items() if origin.number}
    for column in managed.settled & fields.keys():
        numbers[column] = fields[column].number
    made = {
        (column.table, number): column
        for column, number in numbers.items()
        if column.table in found.tables and column.name in found.tables[column.table].columns
    }
    for column, field in fields.items():
        old = made.get((column.table, field.number))
        if old is not None and numbers.get(column) != field.number:
            is_there = column.name in found.tables[column.table].columns
            yield OtherName(field, old, column, is_there, is_taken=old in fields)


def refuse_other_names(fields: Fields, found: Catalog, managed: Managed) -> None:
    """Raise MigrationError for fields that have other names than when their columns were made."""
    refusals = [f"\n  {other}\n    {other.ways}" for other in other_names(fields, found, managed)]
    if refusals:
        raise MigrationError(
            "refused, nothing was changed: fields have other names than when their columns were made:"
            + "".join(refusals)
            + "\ngateways from before it fail once a column is renamed; "
            "a field that is another one takes another number"
        )


def perhaps_renamed(fields: Fields, found: Catalog, managed: Managed) -> Iterator[str]:
    """Yield the columns that go, and of which nobody knows whether their fields have other names.

    They were recorded without numbers, by a Rowgate that kept none.
    """
    for old, origin in managed.record.items():
        table = found.tables.get(old.table)
        if old in fields or origin.number or table is None or old.name not in table.columns:
            continue
        flags = [
            _rename(old, new) for new in fields if new.table == old.table and new.name not in table.columns
        ]
        if flags:
            yield (
                f"{old.table}.{old.name} was recorded without its field's number; if that has another name: "
                + (" or ".join(flags))
            )


def new_numbers(fields: Fields, found: Catalog, managed: Managed) -> dict[Recorded, int]:
    """Return the numbers that the record hasn't yet, or has otherwise."""
    return {
        column: field.number
        for column, field in fields.items()
        if (origin := managed.record.get(column)) is None or origin.number != field.number
        if origin is not None or column.table in managed.adopted or _is_new(column, found)
    }


def _is_new(column: Recorded, found: Catalog) -> bool:
    return column.table not in found.tables or column.name not in found.tables[column.table].columns
