"""The statements of a bulk upsert: staging, MERGE, and the two steps that stand in for it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gateway.policy.row_rules import TableRules
from gateway.schema.model import Field
from gateway.schema.values import ValueKind
from gateway.sql.audit import INSERT, KEY, UPDATE, key_text, merged_rows, of_rows
from gateway.sql.bulk.rules import RuleConditions, checked, forbidden_rows, guarded
from gateway.sql.bulk.shape import (
    INDEX,
    BulkShape,
    changes,
    inserted_values,
    key_matches,
    numbered,
    quote,
    restated,
    sent,
    stage_name,
    staged_type,
    stamps,
    table_name,
    updated_values,
)
from gateway.sql.key_order import by_key_text
from gateway.sql.statement import Statement

_I = quote(INDEX)


def _unsettled(number: int) -> str:
    """Return the condition that a row's index is not in a bound array."""
    # A hashed subplan: `<> ALL` of a long array compares each with each, as an anti-join may without hash.
    return f"s.{_I} NOT IN (SELECT pg_catalog.unnest(${number}::integer[]))"


_OWN_PARAMETERS = 3
UNSETTLED = _unsettled(_OWN_PARAMETERS)


@dataclass(frozen=True, slots=True)
class BulkStatements:
    """All that a shape needs. Those that write take the staged rows between two bound indexes.

    Args:
        shape: what is done.
        stored: reads all columns of the table, as other statements do.
        create: makes the staging table.
        drop: takes it away, where the transaction goes on.
        read_keys: reads the keys between two indexes as the column's type would; returns nothing of use.
        drop_duplicates: takes all but the last row of each key out of it; returns their indexes.
        drop_repetitions: takes all but the first row of each key out of it; returns their indexes.
        drop_unknown_numbers: takes the rows out whose number is sent, PostgreSQL's to give, and of no stored
            row; returns their indexes. None where the key has no such number.
        remove: takes the rows of the bound indexes out of it.
        merge: inserts and updates; returns (action, indexes) pairs. PostgreSQL 17 and later.
        merge_untold: the same, but returns nothing, and names columns in SET that stay as they are.
        merge_few: as merge, in the order of the keys.
        merge_sent: as merge_few, from one bound array per column: the indexes, then the staged fields.
        hold: locks the stored rows that are as they were sent, but for the bound indexes; returns how many.
        hold_sent: the same, from the arrays of merge_sent, before the indexes.
        insert: inserts the rows whose key is free, but for the bound indexes; returns indexes, NULL where the
            stored row doesn't tell.
        find: locks the stored rows, but for the bound indexes, in the order of their keys, where they may be
            updated; returns indexes, each with whether its row would be another one.
        update: updates the stored rows, but for the bound indexes; returns the indexes of those that changed.
        forbidden: names the staged rows that the rules let nobody write; None where they can't tell before.
        in_shards: whether Citus keeps the rows: `find` locks none, and what merges or holds isn't used.

    Where the table has rules, `insert`, `find` and `update` fail for a row that doesn't meet them, and take
    the caller's values, by their binds, behind their other arguments; MERGE doesn't know them.

    """

    shape: BulkShape
    stored: Statement
    create: Statement
    drop: Statement
    read_keys: Statement
    drop_duplicates: Statement
    drop_repetitions: Statement
    drop_unknown_numbers: Statement | None
    remove: Statement
    merge: Statement
    merge_untold: Statement
    merge_few: Statement
    merge_sent: Statement
    hold: Statement
    hold_sent: Statement
    insert: Statement
    find: Statement
    update: Statement
    forbidden: Statement | None
    in_shards: bool = False


def bulk_statements(shape: BulkShape) -> BulkStatements:
    """Return the statements of a shape."""
    name = f"bulk upsert {shape.resource.table}"
    # A hash join keeps no order, so sorting would only cost: the order matters where numbers are drawn.
    given = f"SELECT * FROM {stage(shape)} AS s WHERE {_I} BETWEEN $1 AND $2"
    ordered = f"({given} ORDER BY {key_order(shape)})"
    rows = ordered if any(field.identity for field in shape.staged) else f"({given})"
    staged, fresh = f"{rows} AS s", f"{numbered(shape, rows)} AS s"

    def statement(text: str) -> Statement:
        return Statement(text, (), (), writes=True, name=name, constants={})

    def merging(text: str) -> Statement:
        audited = None if shape.audited is None else merged_rows(shape.audited)
        return replace(statement(text), audited=audited)

    return BulkStatements(
        shape=shape,
        stored=_stored_columns(shape),
        create=statement(_create(shape)),
        drop=statement(f"DROP TABLE {stage(shape)}"),
        read_keys=statement(_read_keys(shape)),
        drop_duplicates=statement(_drop_duplicates(shape, "DESC")),
        drop_repetitions=statement(_drop_duplicates(shape, "ASC")),
        drop_unknown_numbers=statement(_drop_unknown_numbers(shape)) if shape.found_by_number else None,
        remove=statement(f"DELETE FROM {stage(shape)} WHERE {_I} = ANY($1::integer[])"),
        merge=merging(_merge_told(shape, fresh)),
        merge_untold=merging(_merge(shape, fresh, restating=True)),
        merge_few=merging(_merge_told(shape, f"{numbered(shape, ordered)} AS s")),
        merge_sent=merging(_merge_told(shape, f"{numbered(shape, _unnested(shape))} AS s")),
        hold=statement(_hold(shape, staged, UNSETTLED)),
        hold_sent=statement(_hold(shape, f"{_unnested(shape)} AS s", _unsettled(len(shape.staged) + 2))),
        insert=_insert(shape, fresh, name),
        find=_find(shape, staged, name),
        update=_update(shape, staged, name),
        forbidden=forbidden_rows(shape, shape.rules) if shape.rules is not None else None,
    )


def stage(shape: BulkShape) -> str:
    """Return the name of the staging table."""
    return f"pg_temp.{quote(stage_name(shape.resource))}"


def _create(shape: BulkShape) -> str:
    columns = [f"{_I} integer", *(f"{quote(f.column)} {staged_type(f)}" for f in shape.staged)]
    return f"CREATE TEMPORARY TABLE {quote(stage_name(shape.resource))} ({', '.join(columns)}) ON COMMIT DROP"


def key_order(shape: BulkShape) -> str:
    """Return the order of the sent rows by their keys."""
    return ", ".join([*(by_key_text(field, sent(field)) for field in shape.target_fields), _I])


def _stored_order(shape: BulkShape) -> str:
    return ", ".join(by_key_text(field, f"t.{quote(field.column)}") for field in shape.target_fields)


def _unnested(shape: BulkShape) -> str:
    """Return rows from arrays, in the order of their keys."""
    types = ["integer", *("text" if _is_place(field) else staged_type(field) for field in shape.staged)]
    arrays = ", ".join(f"${n}::{type_}[]" for n, type_ in enumerate(types, 1))
    names = ", ".join([_I, *(quote(field.column) for field in shape.staged)])
    rows = ", ".join([_I, *map(_from_array, shape.staged)]) if any(map(_is_place, shape.staged)) else "*"
    return f"(SELECT {rows} FROM unnest({arrays}) AS s({names}) ORDER BY {key_order(shape)})"


def _is_place(field: Field) -> bool:
    return field.type.kind is ValueKind.PLACE


def _from_array(field: Field) -> str:
    """Return a staged value of an array, in which the driver has places as texts."""
    name = quote(field.column)
    return f"CAST(s.{name} AS {staged_type(field)}) AS {name}" if _is_place(field) else f"s.{name}"


def _read_keys(shape: BulkShape) -> str:
    # What nothing looks at, PostgreSQL doesn't compute: so the keys are counted.
    counts = ", ".join(f"count({sent(field)})" for field in shape.target_fields)
    return f"SELECT {counts} FROM {stage(shape)} AS s WHERE {_I} BETWEEN $1 AND $2"


def _drop_duplicates(shape: BulkShape, order: str) -> str:
    keys = ", ".join(map(sent, shape.target_fields))
    known = "" if shape.nulls_equal else f"WHERE {_keys_known(shape.target_fields)}"
    repeated = (
        f"SELECT s.ctid AS place, row_number() OVER (PARTITION BY {keys} ORDER BY {_I} {order}) AS n "
        f"FROM {stage(shape)} AS s {known}"
    )
    places = f"SELECT place FROM ({repeated}) AS r WHERE n > 1"
    return f"DELETE FROM {stage(shape)} WHERE ctid = ANY(ARRAY({places})) RETURNING {_I}"


def _drop_unknown_numbers(shape: BulkShape) -> str:
    sent_number = " OR ".join(f"s.{quote(field.column)} IS NOT NULL" for field in shape.found_by_number)
    stored = f"SELECT FROM {table_name(shape.resource)} AS t WHERE {key_matches(shape)}"
    return f"DELETE FROM {stage(shape)} AS s WHERE ({sent_number}) AND NOT EXISTS ({stored}) RETURNING {_I}"


def _keys_known(fields: tuple[Field, ...]) -> str:
    return " AND ".join(f"s.{quote(field.column)} IS NOT NULL" for field in fields)


def _merge_told(shape: BulkShape, source: str) -> str:
    key, keys = "", ""
    if shape.audited is not None:
        key, keys = f"{key_text(shape.audited, 't', quote)} AS {KEY}, ", f"pg_catalog.array_agg({KEY}), "
    merge = f"{_merge(shape, source)} RETURNING {key}merge_action() AS action, s.{_I} AS i"
    return f"WITH m AS ({merge}) SELECT {keys}action, pg_catalog.array_agg(i) FROM m GROUP BY action"


def _merge(shape: BulkShape, source: str, *, restating: bool = False) -> str:
    values = inserted_values(shape)
    matched = ""
    if shape.updates and updated_values(shape):
        matched = (
            f"WHEN MATCHED AND ({changes(shape)}) THEN UPDATE SET {assignments(shape, restating=restating)} "
        )
    return (
        f"MERGE INTO {table_name(shape.resource)} AS t "
        f"USING {source} ON {key_matches(shape)} {matched}"
        f"WHEN NOT MATCHED THEN INSERT ({column_names(values)}) {overriding(shape)}"
        f"VALUES ({', '.join(values.values())})"
    )


def assignments(shape: BulkShape, *, restating: bool = False) -> str:
    """Return what SET makes of a stored row; `restating` names columns too that stay as they are."""
    values = {**updated_values(shape), **stamps(shape), **(restated(shape) if restating else {})}
    return ", ".join(f"{quote(column)} = {value}" for column, value in values.items())


def overriding(shape: BulkShape) -> str:
    """Return what lets a number be named that was drawn from the column's own sequence."""
    return "OVERRIDING SYSTEM VALUE " if shape.always else ""


def column_names(values: Mapping[str, str]) -> str:
    """Return the names of columns, quoted."""
    return ", ".join(map(quote, values))


def _insert(shape: BulkShape, source: str, name: str) -> Statement:
    """Return the INSERT that gives way to a concurrent one.

    RETURNING knows nothing of the source, so the new rows find their indexes again by key; a row without a
    whole key, or with another one by a trigger's will, finds none.
    """
    values = inserted_values(shape)
    table = table_name(shape.resource)
    keys = ", ".join(map(quote, shape.target))
    conditions = RuleConditions(_OWN_PARAMETERS)
    returned = [quote(column) for column in shape.target]
    if shape.rules is not None:
        created = conditions.met(*shape.rules.creating.checks)
        returned[0] = f"{checked(f't.{returned[0]}', created)} AS {returned[0]}"
    told = "" if shape.audited is None else f"w.{KEY}, "
    if shape.audited is not None:
        returned.append(f"{key_text(shape.audited, 't', quote)} AS {KEY}")
    free = f"NOT EXISTS (SELECT FROM {table} AS t WHERE {key_matches(shape)})"
    text = (
        f"WITH sent AS MATERIALIZED (SELECT * FROM {source} WHERE {UNSETTLED}), "
        f"w AS (INSERT INTO {table} AS t ({column_names(values)}) {overriding(shape)}"
        f"SELECT {', '.join(values.values())} FROM sent AS s "
        f"WHERE {free} ORDER BY {key_order(shape)} ON CONFLICT ({keys}) DO NOTHING "
        f"RETURNING {', '.join(returned)}) "
        f"SELECT {told}s.{_I} FROM w LEFT JOIN sent AS s ON {key_matches(shape, 'w')}"
    )
    return _audited(shape, conditions.statement(text, name), INSERT)


def _find(shape: BulkShape, source: str, name: str) -> Statement:
    differs = changes(shape) if shape.updates and updated_values(shape) else "false"
    conditions = RuleConditions(_OWN_PARAMETERS)
    if shape.rules is not None:
        differs = guarded(_using(shape, shape.rules, conditions), differs)
    found = (
        f"SELECT s.{_I}, {differs} FROM {table_name(shape.resource)} AS t "
        f"JOIN {source} ON {key_matches(shape)} WHERE {UNSETTLED}"
    )
    locked = f"{found} ORDER BY {_stored_order(shape)} FOR NO KEY UPDATE OF t"
    return conditions.statement(locked if shape.updates else found, name)


def _using(shape: BulkShape, rules: TableRules, conditions: RuleConditions) -> str:
    """Return the condition of stored rows that the caller may be told of: and, where they change, update."""
    return conditions.met(rules.read, rules.update) if shape.updates else conditions.met(rules.read)


def _hold(shape: BulkShape, source: str, unsettled: str) -> str:
    """Return the lock on rows that MERGE left alone; one that was changed meanwhile, or may be, is missing.

    It waits for nobody: rows are locked behind others' with greater keys here, which would be a deadlock.
    """
    equal = f"AND NOT ({changes(shape)}) " if updated_values(shape) else ""
    return (
        f"SELECT count(*) FROM (SELECT FROM {table_name(shape.resource)} AS t "
        f"JOIN {source} ON {key_matches(shape)} WHERE {unsettled} {equal}"
        "FOR NO KEY UPDATE OF t SKIP LOCKED) AS held"
    )


def _update(shape: BulkShape, source: str, name: str) -> Statement:
    conditions = RuleConditions(_OWN_PARAMETERS)
    if not updated_values(shape):
        return conditions.statement(f"SELECT s.{_I} FROM {source} WHERE false AND {UNSETTLED}", name)
    changed, returned = f"({changes(shape)})", f"s.{_I}"
    if shape.rules is not None:
        # The outcome is looked at again when it is written: but a key that is taken is found before that.
        outcome = conditions.met_after(
            {**updated_values(shape), **stamps(shape)}, *shape.rules.updating.checks
        )
        using = _using(shape, shape.rules, conditions)
        changed = guarded(f"({using} AND (NOT {changed} OR {outcome}))", changed)
        returned = checked(returned, conditions.met(*shape.rules.updating.checks))
    if shape.audited is not None:
        returned = f"{key_text(shape.audited, 't', quote)}, {returned}"
    text = (
        f"UPDATE {table_name(shape.resource)} AS t SET {assignments(shape)} FROM {source} "
        f"WHERE {key_matches(shape)} AND {UNSETTLED} AND {changed} RETURNING {returned}"
    )
    return _audited(shape, conditions.statement(text, name), UPDATE)


def _audited(shape: BulkShape, statement: Statement, action: str) -> Statement:
    """Return a statement whose rows begin with the keys of those that it has changed, where they are kept."""
    return statement if shape.audited is None else replace(statement, audited=of_rows(shape.audited, action))


def _stored_columns(shape: BulkShape) -> Statement:
    """Return the statement that reads all columns, as other statements do."""
    fields = shape.resource.fields
    columns = (f"{quote(field.column)}{_as_text(field)}" for field in fields)
    text = f"SELECT {', '.join(columns)} FROM {table_name(shape.resource)}"
    name = f"bulk upsert {shape.resource.table}"
    return Statement(text, (), fields, writes=False, name=name, constants={})


def _as_text(field: Field) -> str:
    if not field.type.text_cast:
        return ""
    return "::text[]" if field.type.element else "::text"
