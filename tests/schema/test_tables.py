"""Tables stand in PostgreSQL as the schema says, under the names that the schema tells."""

import asyncpg
import pytest

from gateway.schema.model import Resource
from gateway.schema.tables.metadata import build_tables, constraints
from gateway.schema.tables.naming import MAX_BYTES, constraint_name, snake_case
from tests.harness.databases import Databases
from tests.harness.gateway import schema_of

SCHEMAS = ("types", "ledger", "adversarial", "depot")

_CONSTRAINTS = """
SELECT conname AS name, array(
    SELECT attname::text FROM unnest(conkey) WITH ORDINALITY AS key (number, place)
    JOIN pg_attribute ON attrelid = conrelid AND attnum = number ORDER BY place
) AS columns, contype::text AS type
FROM pg_constraint JOIN pg_class t ON t.oid = conrelid JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE t.relname = $1 AND n.nspname = $2 AND contype <> 'n'
UNION ALL
SELECT i.relname, array(
    SELECT attname::text FROM unnest(indkey) WITH ORDINALITY AS key (number, place)
    JOIN pg_attribute ON attrelid = indrelid AND attnum = number WHERE place <= indnkeyatts ORDER BY place
), 'i'
FROM pg_index JOIN pg_class i ON i.oid = indexrelid JOIN pg_class t ON t.oid = indrelid
JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE t.relname = $1 AND n.nspname = $2 AND indisunique
AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u'))
"""

_COLUMNS = """
SELECT attname::text AS name, format_type(atttypid, atttypmod) AS type, attnotnull AS not_null,
    attidentity::text AS identity, attgenerated::text AS generated,
    pg_get_expr(adbin, adrelid) AS default, col_description(attrelid, attnum) AS comment
FROM pg_attribute JOIN pg_class t ON t.oid = attrelid JOIN pg_namespace n ON n.oid = t.relnamespace
LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE t.relname = $1 AND n.nspname = $2 AND attnum > 0 AND atttypid <> 'tsvector'::regtype ORDER BY attnum
"""
"""The columns, but that of the words which searches find rows by."""


async def rows(databases: Databases, schema: str, sql: str, resource: Resource) -> list[asyncpg.Record]:
    dsn = await databases.copy_of(schema, build_tables(schema_of(schema)).metadata)
    connection = await asyncpg.connect(dsn)
    try:
        found: list[asyncpg.Record] = await connection.fetch(sql, resource.table, resource.schema)
    finally:
        await connection.close()
    return found


CASES = [(schema, name) for schema in SCHEMAS for name in schema_of(schema).resources]


@pytest.mark.parametrize(("schema", "name"), CASES)
async def test_constraints_have_the_names_that_postgresql_has(
    databases: Databases, schema: str, name: str
) -> None:
    resource = schema_of(schema).resources[name]
    found = await rows(databases, schema, _CONSTRAINTS, resource)
    told = constraints(resource)
    assert {row["name"] for row in found} == set(told)
    for row in found:
        columns = sorted(row["columns"]) if row["type"] == "c" else row["columns"]
        wanted = told[row["name"]]
        assert columns == (sorted(wanted) if row["type"] == "c" else list(wanted)), row["name"]


@pytest.mark.parametrize(("schema", "name"), CASES)
async def test_columns_are_as_told(databases: Databases, schema: str, name: str) -> None:
    resource = schema_of(schema).resources[name]
    found = await rows(databases, schema, _COLUMNS, resource)
    assert [row["name"] for row in found] == [field.column for field in resource.fields]
    for row, field in zip(found, resource.fields, strict=True):
        assert row["type"] == field.type.sql
        assert row["not_null"] is not field.nullable
        assert (row["identity"] == "d") is field.identity
        assert (row["generated"] == "s") is (field.generated is not None)
        assert (row["default"] is None) is (field.default is None and field.generated is None)
        assert (row["comment"] or "") == field.comment


async def test_long_names_are_cut_the_same_everywhere(databases: Databases) -> None:
    name = constraint_name("table" * 6, "column" * 6, "key")
    assert len(name.encode()) == MAX_BYTES
    assert name != constraint_name("table" * 6, "column" * 6 + "s", "key")
    assert len(constraint_name("ä" * 30, "ö" * 30, "key").encode()) <= MAX_BYTES
    connection = await asyncpg.connect(databases.dsn)
    try:
        assert await connection.fetchval("SELECT $1::text::name::text", name) == name
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("message", "table"),
    [("Flight", "flight"), ("FlightLeg", "flight_leg"), ("HTTPRoute", "http_route"), ("Ipv4Net", "ipv4_net")],
)
def test_tables_are_named_in_snake_case(message: str, table: str) -> None:
    assert snake_case(message) == table


def test_constraints_follow_the_convention() -> None:
    node = schema_of("adversarial").resources["adversarial.v1.Node"]
    assert set(constraints(node)) == {
        "node_pkey",
        "node_parent_id_key",
        "node_color_check",
        "node_shape_check",
        "node_not_its_own_parent",
        "node_parent_id_fkey",
    }
    assert [index.name for index in node.indexes] == ["node_color_idx"]


def test_unenforced_references_make_no_constraint() -> None:
    source = schema_of("adversarial").resources["adversarial.v1.Leaf"]
    loose = [key for key in source.foreign_keys if not key.enforced]
    assert [key.target_table for key in loose] == ["elsewhere"]
    assert not {key.name for key in loose} & set(constraints(source))


@pytest.mark.parametrize(
    ("schema", "sql", "constraint"),
    [
        (
            "adversarial",
            "INSERT INTO node (position, color, shape, version) VALUES (1, 'COLOR_BLUE', 0, 1)",
            "node_color_check",
        ),
        (
            "adversarial",
            "INSERT INTO node (position, color, shape, version) VALUES (1, 'COLOR_RED', 5, 1)",
            "node_shape_check",
        ),
        ("types", "INSERT INTO probe (uint32_value) VALUES (4294967296)", "scalar_uint32_value_check"),
        ("types", "INSERT INTO probe (uint64_value) VALUES (-1)", "scalar_uint64_value_check"),
        ("types", "INSERT INTO rich_probe (uint32_wrapper) VALUES (-1)", "rich_uint32_wrapper_check"),
        ("types", "INSERT INTO rich_probe (number_choice, text_choice) VALUES (1, 'x')", "rich_choice_check"),
    ],
)
async def test_rows_that_no_message_holds_are_refused_by_the_table(
    databases: Databases, schema: str, sql: str, constraint: str
) -> None:
    dsn = await databases.copy_of(schema, build_tables(schema_of(schema)).metadata)
    connection = await asyncpg.connect(dsn)
    try:
        await loosen(connection, schema)
        with pytest.raises(asyncpg.CheckViolationError) as caught:
            await connection.execute(sql)
    finally:
        await connection.close()
    assert caught.value.constraint_name == constraint


async def loosen(connection: asyncpg.Connection, schema: str) -> None:
    """Make `probe` and `rich_probe`: the types' tables, of which one column can be written alone."""
    if schema != "types":
        return
    for probe, table in (("probe", "scalar"), ("rich_probe", "rich")):
        await connection.execute(f"CREATE TABLE {probe} (LIKE {table} INCLUDING CONSTRAINTS)")
        for field in schema_of("types").resources[f"types.v1.{table.capitalize()}"].fields:
            await connection.execute(f"ALTER TABLE {probe} ALTER {field.column} DROP NOT NULL")


DEFINITIONS = {
    "ledger": {
        "Account IBAN": "UNIQUE NULLS NOT DISTINCT (iban)",
        "entry_credit_fkey": 'FOREIGN KEY (book, credit) REFERENCES "Ledger"."order"(book, number) '
        "ON UPDATE CASCADE ON DELETE RESTRICT",
        "where_book_fkey": 'FOREIGN KEY (book, sequence, part) REFERENCES "Ledger"."Entry"'
        "(book, sequence, part) ON DELETE CASCADE",
        "entry_sense": "CHECK (((amount > 0) AND (debit <> credit)))",
        "order_user_idx": 'CREATE INDEX order_user_idx ON "Ledger"."order" USING btree '
        '("user", opened_at DESC) INCLUDE ("Title")',
        "open_title_idx": 'CREATE UNIQUE INDEX open_title_idx ON "Ledger"."order" USING btree ("Title") '
        "WHERE (closed_at IS NULL)",
    },
    "adversarial": {
        "node_color_idx": "CREATE INDEX node_color_idx ON public.node USING hash (color)",
        "node_parent_id_key": 'UNIQUE NULLS NOT DISTINCT (parent_id, "position")',
        "node_parent_id_fkey": "FOREIGN KEY (parent_id) REFERENCES node(id) ON DELETE CASCADE",
    },
}


@pytest.mark.parametrize("schema", DEFINITIONS)
async def test_keys_and_indexes_are_defined_as_asked(databases: Databases, schema: str) -> None:
    dsn = await databases.copy_of(schema, build_tables(schema_of(schema)).metadata)
    connection = await asyncpg.connect(dsn)
    try:
        found = await connection.fetch(
            "SELECT conname AS name, pg_get_constraintdef(oid) AS text FROM pg_constraint "
            "UNION ALL SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = ANY($1) "
            "AND indexname NOT IN (SELECT conname FROM pg_constraint)",
            ["public", "Ledger"],
        )
    finally:
        await connection.close()
    texts = {row["name"]: row["text"] for row in found}
    assert {name: texts[name] for name in DEFINITIONS[schema]} == DEFINITIONS[schema]
