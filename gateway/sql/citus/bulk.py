"""The statements of a bulk upsert into shards: an UPDATE, a look, and an INSERT that gives way.

Rows are staged in a temporary table beside the coordinator. Citus has no MERGE with RETURNING, and locks no
rows over shards: so what is stored is looked at without a lock, and the UPDATE compares again.
"""

from dataclasses import replace

from gateway.sql.audit import INSERT, KEY, UPDATE, key_text, of_rows
from gateway.sql.bulk.shape import (
    INDEX,
    BulkShape,
    changes,
    inserted_values,
    key_matches,
    numbered,
    quote,
    sent,
    table_name,
    updated_values,
)
from gateway.sql.bulk.write import (
    UNSETTLED,
    BulkStatements,
    assignments,
    column_names,
    key_order,
    overriding,
    stage,
)
from gateway.sql.bulk.write import bulk_statements as of_postgresql
from gateway.sql.statement import Statement

_I = quote(INDEX)


def bulk_statements(shape: BulkShape) -> BulkStatements:
    """Return the statements of a shape, of which those that MERGE, lock or locate are not to be used."""
    return replace(
        of_postgresql(shape),
        insert=_insert(shape),
        find=_find(shape),
        update=_update(shape),
        in_shards=True,
    )


def _statement(shape: BulkShape, text: str, action: str | None = None) -> Statement:
    audited = None if shape.audited is None or action is None else of_rows(shape.audited, action)
    name = f"bulk upsert {shape.resource.table}"
    return Statement(text, (), (), writes=True, name=name, constants={}, audited=audited)


def _given(shape: BulkShape) -> str:
    """Return the staged rows between two indexes that aren't settled."""
    return f"SELECT s.* FROM {stage(shape)} AS s WHERE {_I} BETWEEN $1 AND $2 AND {UNSETTLED}"


def _typed(shape: BulkShape) -> str:
    """Return the same with values of the columns' types: texts are read as those beside the stage."""
    columns = ", ".join(f"{sent(field)} AS {quote(field.column)}" for field in shape.staged)
    return f"(SELECT s.{_I}, {columns} FROM ({_given(shape)}) AS s)"


def _audited_columns(shape: BulkShape) -> tuple[str, ...]:
    """Return the columns of the key that is told of changed rows, which RETURNING may not make JSON of."""
    return () if shape.audited is None else tuple(shape.audited.key.values())


def _are_other_images(stored: str, value: str) -> str:
    """Return it by the values' bytes: what makes texts isn't IMMUTABLE, as Citus wants it in UPDATE."""
    return f"pg_catalog.record_image_ne(ROW({stored}), ROW({value}))"


def _insert(shape: BulkShape) -> Statement:
    """Return the INSERT that gives way to a concurrent one; the new rows find their indexes again by key."""
    values = inserted_values(shape)
    keys = ", ".join(map(quote, shape.target))
    told = "" if shape.audited is None else f"{key_text(shape.audited, 'w', quote)} AS {KEY}, "
    returned = dict.fromkeys((*shape.target, *_audited_columns(shape)), "")
    text = (
        f"WITH sent AS MATERIALIZED (SELECT * FROM {numbered(shape, f'({_given(shape)})')} AS s), "
        f"w AS (INSERT INTO {table_name(shape.resource)} AS t ({column_names(values)}) {overriding(shape)}"
        f"SELECT {', '.join(values.values())} FROM sent AS s "
        f"ORDER BY {key_order(shape)} ON CONFLICT ({keys}) DO NOTHING "
        f"RETURNING {column_names(returned)}) "
        f"SELECT {told}s.{_I} FROM w LEFT JOIN sent AS s ON {key_matches(shape, 'w')}"
    )
    return _statement(shape, text, INSERT)


def _find(shape: BulkShape) -> Statement:
    differs = changes(shape, _are_other_images) if shape.updates and updated_values(shape) else "false"
    text = (
        f"SELECT s.{_I}, {differs} FROM {table_name(shape.resource)} AS t "
        f"JOIN {_typed(shape)} AS s ON {key_matches(shape)}"
    )
    return _statement(shape, text)


def _update(shape: BulkShape) -> Statement:
    if not (shape.updates and updated_values(shape)):
        return _statement(shape, f"SELECT s.{_I} FROM ({_given(shape)}) AS s WHERE false")
    text = (
        f"UPDATE {table_name(shape.resource)} AS t SET {assignments(shape)} FROM {_typed(shape)} AS s "
        f"WHERE {key_matches(shape)} AND ({changes(shape, _are_other_images)}) RETURNING s.{_I}"
    )
    if shape.audited is not None:
        keys = "".join(f", t.{quote(column)}" for column in _audited_columns(shape))
        told = f"{key_text(shape.audited, 'w', quote)} AS {KEY}"
        text = f"WITH w AS ({text}{keys}) SELECT {told}, w.{_I} FROM w"
    return _statement(shape, text, UPDATE)
