"""Whatever way a query takes to a table with a policy, it isn't served but by a word of its author's."""

from collections.abc import Sequence

import asyncpg
import pytest

from gateway.introspect.sql_methods import with_queries
from gateway.schema.diagnostics import SchemaError
from gateway.schema.protos.sources import compile_texts
from gateway.schema.read import read_schema
from gateway.schema.sql_method import SqlMethod
from gateway.schema.tables.metadata import build_tables
from tests.harness.databases import Databases, fetch

SCHEMA = """syntax = "proto3";
package ways.v1;
import "rowgate/v1/annotations.proto";
message Open {
  option (rowgate.v1.table) = {primary_key: "id"};
  int64 id = 1;
}
message Secret {
  option (rowgate.v1.table) = {primary_key: "id" policy: {read: "owner = principal.id"}};
  int64 id = 1;
  string owner = 2;
}
message Asked { int64 id = 1; }
message Found { optional int64 id = 1; }
service S {
  rpc Do(Asked) returns (Found) {
    option (rowgate.v1.method).sql = { query: "%s" %s };
  }
}
"""
BODY = "$$BEGIN RETURN 1 FROM secret; END$$"
MADE = (
    "CREATE VIEW over_secret AS SELECT id FROM secret",
    "CREATE VIEW over_view AS SELECT v.id FROM over_secret v JOIN open o ON o.id = v.id",
    "CREATE VIEW by_invoker WITH (security_invoker = true) AS SELECT id FROM secret",
    "CREATE MATERIALIZED VIEW copied AS SELECT id FROM over_view",
    "CREATE VIEW over_copied AS SELECT id FROM copied",
    "CREATE FUNCTION inlined() RETURNS SETOF bigint LANGUAGE sql STABLE AS 'SELECT id FROM secret'",
    f"CREATE FUNCTION hidden() RETURNS bigint LANGUAGE plpgsql STABLE AS {BODY}",
    "CREATE FUNCTION definer() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER AS 'SELECT 1::bigint'",
    f"CREATE FUNCTION peek(open) RETURNS bigint LANGUAGE plpgsql STABLE AS {BODY}",
    f"CREATE FUNCTION most(bigint, bigint) RETURNS bigint LANGUAGE plpgsql AS {BODY}",
    "CREATE FUNCTION wipe(open) RETURNS bigint LANGUAGE sql VOLATILE AS 'SELECT 1::bigint'",
    "CREATE SEQUENCE s",
    "CREATE AGGREGATE highest(bigint) (SFUNC = most, STYPE = bigint)",
    f"CREATE FUNCTION of_two(bigint, bigint) RETURNS bigint LANGUAGE plpgsql STABLE AS {BODY}",
    "CREATE OPERATOR @@@@ (FUNCTION = of_two, LEFTARG = bigint, RIGHTARG = bigint)",
    "CREATE VIEW over_operator AS SELECT 1::bigint @@@@ 2::bigint AS id",
    "CREATE TYPE wrapped AS (id bigint)",
    f"CREATE FUNCTION unwrap(wrapped) RETURNS bigint LANGUAGE plpgsql STABLE AS {BODY}",
    "CREATE CAST (wrapped AS bigint) WITH FUNCTION unwrap(wrapped)",
    f"CREATE FUNCTION is_known(bigint) RETURNS bool LANGUAGE plpgsql STABLE AS {BODY}",
    "CREATE DOMAIN known AS bigint CHECK (is_known(VALUE))",
    "CREATE TABLE by_default (id bigint DEFAULT hidden())",
    "CREATE TABLE by_check (id bigint CHECK (is_known(id)))",
    "CREATE TABLE by_domain (id known)",
    "CREATE TABLE by_trigger (id bigint)",
    f"CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS {BODY}",
    "CREATE TRIGGER t BEFORE INSERT ON by_trigger FOR EACH ROW EXECUTE FUNCTION look()",
    "CREATE VIEW over_function AS SELECT hidden() AS id",
    "CREATE TABLE part () INHERITS (secret)",
)
WAYS = {
    "itself": "SELECT id FROM secret WHERE id = :id",
    "with its schema": "SELECT id FROM public.secret WHERE id = :id",
    "quoted": 'SELECT id FROM \\"secret\\" AS \\"open\\" WHERE id = :id',
    "in a join": "SELECT o.id FROM open o JOIN secret USING (id) WHERE o.id = :id",
    "as an oracle": "SELECT id FROM open o WHERE id = :id AND EXISTS (SELECT FROM secret WHERE id = o.id)",
    "in a column": "SELECT (SELECT max(id) FROM secret) AS id FROM open WHERE id = :id",
    "in a CTE": "WITH s AS MATERIALIZED (SELECT id FROM secret) SELECT id FROM s WHERE id = :id",
    "in a union": "SELECT id FROM open WHERE id = :id UNION ALL SELECT id FROM secret",
    "in an order": "SELECT id FROM open WHERE id = :id ORDER BY (SELECT count(*) FROM secret)",
    "in a limit": "SELECT id FROM open WHERE id = :id LIMIT (SELECT count(*) FROM secret)",
    "laterally": "SELECT s.id FROM open o, LATERAL (TABLE secret LIMIT o.id) s WHERE o.id = :id",
    "by a view": "SELECT id FROM over_secret WHERE id = :id",
    "by a view of a view": "SELECT id FROM over_view WHERE id = :id",
    "by a view of its caller's": "SELECT id FROM by_invoker WHERE id = :id",
    "by a copy": "SELECT id FROM copied WHERE id = :id",
    "by a view of a copy": "SELECT id FROM over_copied WHERE id = :id",
    "by a function that is inlined": "SELECT i AS id FROM inlined() AS i WHERE i = :id",
    "by a function": "SELECT hidden() AS id WHERE :id > 0",
    "by a function of another schema's name": 'SELECT public.\\"hidden\\" () AS id WHERE :id > 0',
    "by a view with a function": "SELECT id FROM over_function WHERE id = :id",
    "by a function as a column": "SELECT o.peek AS id FROM open AS o WHERE o.id = :id",
    "by an aggregate": "SELECT highest(id) AS id FROM open WHERE id = :id",
    "by a part": "SELECT id FROM part WHERE id = :id",
    "by SQL of a text": "SELECT count(query_to_xml('TABLE secret', true, true, '')) AS id WHERE :id > 0",
}
WAYS |= {
    "by an operator": "SELECT :id OPERATOR(public.@@@@) 2::bigint AS id",
    "by a view with an operator": "SELECT id FROM over_operator WHERE id = :id",
    "by a cast": "SELECT CAST(ROW(:id::bigint)::wrapped AS bigint) AS id",
    "by a domain": "SELECT CAST(CAST(:id AS bigint) AS known)::bigint AS id",
    "by a file": "SELECT length(pg_read_file('PG_VERSION'))::bigint AS id WHERE :id > 0",
    "by activity": "SELECT count(query) AS id FROM pg_stat_activity WHERE :id > 0",
    "by a backend's activity": "SELECT length(pg_stat_get_backend_activity(1))::bigint AS id WHERE :id > 0",
    "by statistics": "SELECT count(*) AS id FROM pg_stats WHERE :id > 0",
}
WRITES = {
    "a default": "INSERT INTO by_default SELECT id FROM open WHERE id = :id RETURNING id",
    "a check": "INSERT INTO by_check VALUES (:id) RETURNING id",
    "a column's domain": "INSERT INTO by_domain VALUES (CAST(:id AS bigint)) RETURNING id::bigint",
    "a trigger": "INSERT INTO by_trigger VALUES (:id) RETURNING id",
}
SECURED = {"itself", "with its schema", "quoted", "in a join", "as an oracle", "in a column", "in a CTE"} | {
    *("in a union", "in an order", "in a limit", "laterally", "by a view of its caller's"),
    *("by a function that is inlined", "by a function", "by a function of another schema's name"),
    *("by a view with a function", "by SQL of a text", "by a function as a column", "by an aggregate"),
    *("by an operator", "by a view with an operator", "by a cast", "by a domain", "by a file"),
    *("by activity", "by a backend's activity"),
}
"""The ways on which PostgreSQL's own policies hold."""


@pytest.fixture(scope="module")
async def dsn(databases: Databases) -> str:
    """Return a database with many ways to one table."""
    dsn = await databases.copy_of(
        "ways",
        build_tables(read_schema(compile_texts({"ways.proto": SCHEMA % (WAYS["itself"], "")}))).metadata,
    )
    for statement in MADE:
        await fetch(dsn, statement)
    return dsn


async def problems(dsn: str, query: str, more: str = "", roles: Sequence[str] | None = None) -> str:
    """Return what is wrong with a query; nothing where it is served."""
    schema = read_schema(compile_texts({"ways.proto": SCHEMA % (query, more)}))
    try:
        await with_queries(lambda: asyncpg.connect(dsn), schema, roles)
    except SchemaError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("query", WAYS.values(), ids=WAYS)
async def test_no_way_leads_past_a_policy(dsn: str, query: str) -> None:
    assert "policy: BYPASS" in await problems(dsn, query)
    assert not await problems(dsn, query, "policy: BYPASS")


@pytest.mark.parametrize("query", WRITES.values(), ids=WRITES)
async def test_what_a_write_calls_leads_past_no_policy(dsn: str, query: str) -> None:
    assert "policy: BYPASS" in await problems(dsn, query, "writes: true")
    assert not await problems(dsn, query, "writes: true policy: BYPASS")


async def test_the_gateways_own_tables_are_nobodys(dsn: str) -> None:
    query = "SELECT count(*) AS id FROM rowgate.idempotency WHERE :id > 0"
    assert "which is the gateway's own" in await problems(dsn, query, "policy: BYPASS")


async def test_row_level_security_holds_where_nobody_elses_rights_are_taken(dsn: str) -> None:
    await fetch(dsn, "ALTER TABLE secret ENABLE ROW LEVEL SECURITY")
    try:
        refused = {name for name, query in WAYS.items() if await problems(dsn, query, roles=())}
    finally:
        await fetch(dsn, "ALTER TABLE secret DISABLE ROW LEVEL SECURITY")
    assert refused == WAYS.keys() - SECURED
    assert await problems(dsn, "SELECT definer() AS id WHERE :id > 0", roles=())


@pytest.mark.parametrize("call", ["o.peek", "wipe(o)", "o.wipe", "highest(o.id)", "random()", "nextval('s')"])
async def test_what_may_write_is_known_by_any_name(dsn: str, call: str) -> None:
    query = f"SELECT {call}::bigint AS id FROM open AS o WHERE o.id = :id GROUP BY o.id"  # noqa: S608 - above
    schema = read_schema(compile_texts({"ways.proto": SCHEMA % (query, "policy: BYPASS")}))
    known = await with_queries(lambda: asyncpg.connect(dsn), schema)
    (method,) = known.services["ways.v1.S"].methods
    assert isinstance(method, SqlMethod)
    assert method.is_volatile is (call != "o.peek")


async def test_what_is_everybodys_needs_no_word(dsn: str) -> None:
    assert not await problems(dsn, "SELECT id FROM open WHERE id = :id AND 'secret' <> ''")
