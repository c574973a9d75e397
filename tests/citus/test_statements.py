"""Statements over shards have nothing that Citus refuses; PostgreSQL's parser says what they have."""

from collections.abc import Sequence

import asyncpg
import pytest

from gateway.schema.model import Resource
from gateway.schema.read import read_schema
from gateway.schema.tables.metadata import build_tables
from gateway.sql.bulk.shape import BulkShape
from gateway.sql.bulk.write import bulk_statements
from gateway.sql.citus.rows import near
from gateway.sql.dialect import dialect_of
from gateway.sql.reads.select import select_by_keys
from gateway.sql.statement import Statement
from gateway.sql.writes.change import Change, change_rows
from tests.citus.events import events
from tests.citus.statement_rules import broken_rules
from tests.citus.statements import statements_of
from tests.harness.databases import Databases
from tests.harness.gateway import schema_of

SCHEMAS = {
    "events": read_schema(events(in_shards=True)),
    **{name: schema_of(name) for name in ("gauges", "market", "quoted_shards")},
}
TABLES = {name: build_tables(schema) for name, schema in SCHEMAS.items()}
SPREAD = [
    (name, one)
    for name, schema in SCHEMAS.items()
    for one in schema.resources.values()
    if one.distribution is not None
]
EVENT = next(one for name, one in SPREAD if one.name == "Event")


def _shard_columns(resource: Resource) -> frozenset[str]:
    distribution = resource.distribution
    return frozenset(filter(None, [distribution.column if distribution is not None else None]))


def _all(schema: str, resource: Resource) -> Sequence[Statement]:
    return list(statements_of(resource, TABLES[schema].tables[resource.message.full_name]))


@pytest.mark.parametrize(("schema", "resource"), SPREAD, ids=[f"{name} {one.name}" for name, one in SPREAD])
def test_no_statement_has_what_citus_refuses(schema: str, resource: Resource) -> None:
    statements = _all(schema, resource)
    assert len(statements) > 20
    broken = {
        one.text: found for one in statements if (found := broken_rules(one.text, _shard_columns(resource)))
    }
    assert broken == {}


# One for each rule: PostgreSQL's own dialect breaks those that it needs not keep.
BROKEN = {
    "MERGE INTO event AS t USING event AS s ON t.id = s.id WHEN MATCHED THEN DELETE": ["MERGE"],
    "SELECT id FROM event WHERE kind IS NOT NULL FOR UPDATE": ["FOR UPDATE over shards"],
    "SELECT id FROM event WHERE kind = 'KIND_BUY' OR kind = $1 FOR UPDATE": ["FOR UPDATE over shards"],
    "SELECT id FROM event WHERE kind = $1::text AND id > 3 FOR UPDATE": [],
    "SELECT 1 FROM unnest($1::int[]) AS s(n), LATERAL (SELECT id FROM event LIMIT 1) AS t": [
        "LIMIT in LATERAL"
    ],
    "SELECT t.ctid FROM event AS t": ["system column ctid"],
    "DELETE FROM event WHERE tableoid = $1": ["system column tableoid"],
    "SELECT pg_catalog.pg_relation_size('event')": ["size of a shell"],
    "UPDATE event SET id = 1 RETURNING id::text": ["cast in RETURNING"],
    "INSERT INTO event (id) VALUES (1) RETURNING jsonb_build_object('id', id)": [
        "jsonb_build_object in RETURNING"
    ],
}


@pytest.mark.parametrize("sql", BROKEN)
def test_each_rule_is_told(sql: str) -> None:
    assert broken_rules(sql, frozenset({"kind"})) == BROKEN[sql]


def test_the_statements_of_one_server_break_the_rules() -> None:
    table = TABLES["events"].tables[EVENT.message.full_name]
    bulk = bulk_statements(BulkShape(EVENT, EVENT.primary_key))
    found = {
        *broken_rules(select_by_keys(EVENT, table, EVENT.fields).text, _shard_columns(EVENT)),
        *broken_rules(change_rows(EVENT, table, Change.DELETE).statement.text, _shard_columns(EVENT)),
        *broken_rules(bulk.merge.text, frozenset()),
        *broken_rules(bulk.find.text, frozenset()),
    }
    assert found == {"LIMIT in LATERAL", "FOR UPDATE over shards", "MERGE"}


@pytest.mark.parametrize("schema", SCHEMAS)
async def test_postgresql_takes_each_statement(databases: Databases, schema: str) -> None:
    dsn = await databases.copy_of(f"{schema} in shards", TABLES[schema].metadata)
    connection = await asyncpg.connect(dsn)
    try:
        for resource in (one for name, one in SPREAD if name == schema):
            create = bulk_statements(BulkShape(resource, resource.primary_key)).create.text
            await connection.execute(create.replace("ON COMMIT DROP", ""))
            for statement in _all(schema, resource):
                await connection.prepare(statement.text)
    finally:
        await connection.close()


def test_keys_name_their_shards() -> None:
    """Citus knows shards by constants alone: without these each statement goes to all."""
    for schema, resource in SPREAD:
        table = TABLES[schema].tables[resource.message.full_name]
        arrays = {column: table.c[column] for column in resource.primary_key}
        assert len(near(resource, table, arrays)) == len(_shard_columns(resource))


@pytest.mark.parametrize("updates", [True, False])
def test_stored_rows_are_updated_where_that_is_asked(*, updates: bool) -> None:
    shape = BulkShape(EVENT, EVENT.primary_key, updates=updates)
    assert ("UPDATE" in dialect_of(EVENT).bulk_statements(shape).update.text) is updates
