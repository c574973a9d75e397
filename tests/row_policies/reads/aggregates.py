"""What is computed of rows: as the protos declare it, computed again in Python."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.row_policies.rules import found
from tests.row_policies.tables import Row, Table

Compute = Callable[[Sequence[Row], Table], Any]


@dataclass(frozen=True, slots=True)
class Computed:
    """A value of a group.

    Args:
        compute: makes it of the group's rows.
        columns: those that it tells of.
        zero: what an answer holds without it.

    """

    compute: Compute
    columns: tuple[str, ...]
    zero: Any = None


@dataclass(frozen=True, slots=True)
class Statistics:
    """What an Aggregate method of a table answers.

    Args:
        keys: what may make groups.
        computed: what may be computed of them.
        havings: filters of groups, each with the field that it names, and the same in Python.

    """

    keys: tuple[str, ...]
    computed: Mapping[str, Computed]
    havings: Sequence[tuple[str, str, Callable[[Any], bool]]]


def _values(rows: Sequence[Row], name: str) -> list[Any]:
    return [row[name] for row in rows if row[name] is not None]


def _sum(name: str) -> Computed:
    return Computed(lambda rows, _: sum(_values(rows, name)) if _values(rows, name) else None, (name,))


def _max(name: str) -> Computed:
    return Computed(lambda rows, _: max(_values(rows, name), default=None), (name,))


def _count(name: str) -> Computed:
    return Computed(lambda rows, _: len({*_values(rows, name)}), (name,), 0)


def _listed(name: str) -> Computed:
    # The order is the database's collation's: it is no matter of policies.
    return Computed(lambda rows, _: sorted({*_values(rows, name)}), (name,), [])


def _where(text: str, name: str) -> Computed:
    return Computed(
        lambda rows, table: sum(found(text, row, table.types) is True for row in rows), (name,), 0
    )


def _last_badge(rows: Sequence[Row], _: Table) -> Any:
    return max(rows, key=lambda row: (row["level"], row["id"]))["badge"] if rows else None


TOTAL = Computed(lambda rows, _: len(rows), (), 0)
STATISTICS: Mapping[str, Statistics] = {
    "Desk": Statistics(
        ("owner", "public", "note", "shade"),
        {
            "total": TOTAL,
            "sum_level": _sum("level"),
            "max_level": _max("level"),
            "count_note": _count("note"),
            "values_note": _listed("note"),
            "big": _where("doc.size > 4", "doc"),
            "count_badge": _count("badge"),
            "last_badge": Computed(_last_badge, ("level", "badge")),
        },
        [
            ("total > 1", "total", lambda value: value > 1),
            ("max_level > 4", "max_level", lambda value: value is not None and value > 4),
            ("count_note = 0", "count_note", lambda value: value == 0),
            ("NOT big > 0", "big", lambda value: value == 0),
        ],
    ),
    "Dossier": Statistics(
        ("state", "user", "rank", "flag"),
        {
            "total": TOTAL,
            "sum_rank": _sum("rank"),
            "max_number": _max("number"),
            "count_user": _count("user"),
            "values_user": _listed("user"),
            "big": _where("data.size > 4", "data"),
            "any_open": Computed(
                lambda rows, _: any(row["open"] for row in rows) if rows else None, ("open",)
            ),
        },
        [
            ("total > 1", "total", lambda value: value > 1),
            ("sum_rank = null", "sum_rank", lambda value: value is None),
            ("count_user > 1", "count_user", lambda value: value > 1),
        ],
    ),
    "Ward": Statistics(
        ("tenant",),
        {"total": TOTAL, "sum_level": _sum("level")},
        [("total > 1", "total", lambda value: value > 1)],
    ),
    "Estate": Statistics(
        ("tenant", "steward", "phone"),
        {
            "total": TOTAL,
            "sum_grade": _sum("grade"),
            "max_grade": _max("grade"),
            "count_phone": _count("phone"),
            "values_phone": _listed("phone"),
            "count_name": _count("name"),
            "called": _where('phone = "1234"', "phone"),
        },
        [
            ("total > 1", "total", lambda value: value > 1),
            ("called > 0", "called", lambda value: value > 0),
        ],
    ),
}
"""Those of the tables that have them, by the names of their messages."""


def hidden_fields(table: Table, unreadable: set[str]) -> set[str]:
    """Return the fields of a table's statistics that don't exist for who may not read some columns."""
    of_table = STATISTICS[table.name]
    computed = {name for name, one in of_table.computed.items() if unreadable.intersection(one.columns)}
    return computed | {name for name in of_table.keys if name in unreadable}


def groups(table: Table, rows: Sequence[Row], asked: "Asked", hidden: set[str]) -> list[Row]:
    """Return the groups that a call has to answer."""
    of_table = STATISTICS[table.name]
    grouped: dict[tuple[Any, ...], list[Row]] = {} if asked.keys else {(): []}
    for row in rows:
        grouped.setdefault(tuple(row[name] for name in asked.keys), []).append(row)
    return [
        _group(table, asked, members, hidden)
        for members in grouped.values()
        if _meets(of_table, asked.having, members, table)
    ]


def _meets(of_table: Statistics, having: str, rows: Sequence[Row], table: Table) -> bool:
    named = next(((name, meets) for text, name, meets in of_table.havings if text == having), None)
    return named is None or named[1](of_table.computed[named[0]].compute(rows, table))


def _group(table: Table, asked: "Asked", rows: Sequence[Row], hidden: set[str]) -> Row:
    of_table = STATISTICS[table.name]
    keys = {name: rows[0][name] if name in asked.keys else unset(table, name) for name in of_table.keys}
    shown = {*(asked.mask or of_table.computed)} - hidden
    values = {
        name: one.compute(rows, table) if name in shown else one.zero
        for name, one in of_table.computed.items()
    }
    return {**keys, **values}


def unset(table: Table, name: str) -> Any:
    """Return what an answer holds of a key that makes no groups."""
    one = table.fields[name]
    zeros = {"text": "", "bool": False, "int": 0, "enum": "STATE_UNSPECIFIED"}
    return None if one.optional else zeros[one.kind]


@dataclass(slots=True)
class Asked:
    """What an Aggregate is asked beside a filter."""

    keys: Sequence[str] = ()
    having: str = ""
    mask: Sequence[str] = ()


def told(table: Table, message: Any) -> Row:
    """Return a group as a row."""
    of_table = STATISTICS[table.name]
    return {name: _value(message, name) for name in (*of_table.keys, *of_table.computed)}


def _value(message: Any, name: str) -> Any:
    descriptor = message.DESCRIPTOR.fields_by_name[name]
    value = getattr(message, name)
    if descriptor.is_repeated:
        return sorted(value)
    if descriptor.has_presence and not message.HasField(name):
        return None
    return descriptor.enum_type.values_by_number[value].name if descriptor.enum_type else value
