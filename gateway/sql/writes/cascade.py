"""Statements over the rows that refer to others: found level by level, removed all at once.

Rows are named by `tableoid` and `ctid`, which stay as they are while the transaction holds the rows locked.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ForeignKeyConstraint,
    MetaData,
    Table,
    Text,
    and_,
    bindparam,
    cast,
    column,
    delete,
    func,
    literal,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY

from gateway.schema.model import Resource
from gateway.schema.types.sql_types import NamedType
from gateway.sql import audit
from gateway.sql.statement import Statement, compile_statement
from gateway.sql.writes.row_arrays import RowsStatement, items

_ABOVE = "above"
_BELOW = "below"
_SYSTEM = ("tableoid", "ctid")
_LET_GO = frozenset({"SET NULL", "SET DEFAULT"})
"""What the database does to a referring row that may live on."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key.

    Args:
        key: the constraint.
        table: the table whose rows refer.
        target: the table that they refer to.

    """

    key: ForeignKeyConstraint
    table: Table
    target: Table

    @property
    def lets_go(self) -> bool:
        """Whether the database itself changes the referring rows, to refer to nothing or another row."""
        return self.key.ondelete in _LET_GO

    @property
    def cascades(self) -> bool:
        """Whether the database itself removes the referring rows."""
        return self.key.ondelete == "CASCADE"


def references_to(target: Table) -> list[Reference]:
    """Return the schema's references to a table."""
    keys = _references(target.metadata).get(target.fullname, ())
    found = (Reference(key, table, target) for key, table in keys)
    return sorted(found, key=lambda reference: (reference.table.fullname, str(reference.key.name)))


@lru_cache(maxsize=4)
def _references(metadata: MetaData) -> Mapping[str, Sequence[tuple[ForeignKeyConstraint, Table]]]:
    """Return a schema's references by the full names of their targets; it is asked of each table."""
    found: defaultdict[str, list[tuple[ForeignKeyConstraint, Table]]] = defaultdict(list)
    for table in metadata.tables.values():
        for key in table.foreign_key_constraints:
            found[key.elements[0].target_fullname.rpartition(".")[0]].append((key, table))
    return found


def row_ids(resource: Resource, table: Table) -> RowsStatement:
    """Return the statement that finds the rows of keys: their `tableoid` and `ctid`, as text."""
    rows, below = items(resource.key_fields), table.alias(_BELOW)
    match = and_(*(below.c[name] == value for name, value in rows.values.items()))
    found = select(*_row_id()).select_from(rows.cte).join(below, match)
    return RowsStatement(compile_statement(found, name=f"find {resource.table}"), resource.key_fields)


def referring_rows(reference: Reference, limit: int) -> Statement:
    """Return the statement that locks and names the rows that refer to some rows; at most `limit` of them.

    It binds `oids` and `tids`, the `tableoid` and `ctid` of the rows referred to.
    """
    above, below = reference.target.alias(_ABOVE), reference.table.alias(_BELOW)
    given = _given("oids", "tids")
    here = _is_given(_ABOVE, given)
    refers = and_(*(below.c[key.parent.name] == above.c[key.column.name] for key in reference.key.elements))
    found = select(*_row_id()).select_from(given.join(above, here).join(below, refers))
    locked = found.limit(limit).with_for_update(of=below)
    return compile_statement(locked, writes=True, name=f"find {reference.table.name} that refer")


def remove_rows(tables: Sequence[Table]) -> Statement:
    """Return the statement that removes rows of several tables at once, so that they may refer in circles.

    It binds `oids0`, `tids0`, `oids1`, …: the rows' `tableoid` and `ctid`, by table.
    """
    removals, told = [], []
    for i, table in enumerate(tables):
        given = _given(f"oids{i}", f"tids{i}")
        target: Any = table.alias(_BELOW)
        removal = delete(target).where(_is_given(_BELOW, given))
        keys = audit.key_columns(table, target)
        removals.append((removal.returning(*keys) if keys else removal).cte(f"removed{i}"))
        if keys:
            told.append(select(removals[i].c[audit.KEY], literal_column(str(i)).label("i")))
    removed: Any = union_all(*told) if told else select(literal(1))
    audited = audit.removed_rows(tables)
    return compile_statement(removed.add_cte(*removals), writes=True, name="remove rows", audited=audited)


def _given(oids: str, tids: str) -> Any:
    arrays = (bindparam(name, type_=ARRAY(Text)) for name in (oids, tids))
    given = func.unnest(*arrays).table_valued(column("oid", Text), column("tid", Text)).render_derived()
    typed = select(
        cast(given.c.oid, NamedType("oid")).label("oid"), cast(given.c.tid, NamedType("tid")).label("tid")
    )
    return typed.subquery()


def _row_id() -> list[Any]:
    return [cast(literal_column(f"{_BELOW}.{name}"), Text).label(f"row_{name}") for name in _SYSTEM]


def _is_given(alias: str, given: Any) -> Any:
    columns: list[Any] = [literal_column(f"{alias}.{name}") for name in _SYSTEM]
    return and_(columns[0] == given.c.oid, columns[1] == given.c.tid)
