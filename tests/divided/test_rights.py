"""Rights and PostgreSQL's own policies are those of the whole: callers' roles have none of its partitions."""

from pathlib import Path

from gateway.schema.tables.metadata import build_tables
from tests.divided.test_tenants import CALLERS, ORDERS, told
from tests.harness.callers import clients_of, write_keys
from tests.harness.client import Client
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import schema_of, serve

LOGIN, MEMBER = "rowgate_divided_login", "rowgate_divided_member"
_CALLER = "current_setting('request.jwt.claims')::json ->> 'tenant'"
_SETUP = f"""
    DO $$ BEGIN
        IF to_regrole('{MEMBER}') IS NULL THEN
            CREATE ROLE {LOGIN} LOGIN NOINHERIT; CREATE ROLE {MEMBER} NOLOGIN; GRANT {MEMBER} TO {LOGIN};
        END IF;
    END $$
    ;; GRANT USAGE ON SCHEMA public, shop TO {LOGIN}, {MEMBER}
    ;; GRANT USAGE ON SCHEMA rowgate TO {LOGIN}
    ;; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA rowgate TO {LOGIN}
    ;; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA shop TO {MEMBER}
    ;; ALTER TABLE shop."order" ENABLE ROW LEVEL SECURITY
    ;; CREATE POLICY own ON shop."order" USING (tenant = {_CALLER}) WITH CHECK (tenant = {_CALLER})
    ;; INSERT INTO shop."order" (tenant, id, article)
        SELECT tenant, n, 'a' || n FROM unnest(ARRAY['acme', 'evil']) AS tenant, generate_series(1, 2) AS n
"""  # noqa: S608 - names from above


async def test_roles_of_callers_need_the_whole_alone(
    databases: Databases, tmp_path: Path, transport: str
) -> None:
    dsn = await databases.copy_of("divided", build_tables(schema_of("divided")).metadata)
    for statement in _SETUP.split(";;"):
        await fetch(dsn, statement)
    keys = write_keys(tmp_path / "keys.json", CALLERS)
    gateway = await serve(
        "divided",
        dsn.replace("//postgres@", f"//{LOGIN}@"),
        transport=transport,
        auth_providers="api_key",
        auth_api_keys=tmp_path / "keys.json",
        auth_row_security="postgres",
        auth_database_role=MEMBER,
    )
    try:
        async with clients_of(gateway, "divided", keys) as clients:
            await _write(clients["ann"])
            seen = await told(clients["eve"], "ListOrders")
    finally:
        await gateway.stop()
    assert [(one["tenant"], one["id"], one["article"]) for one in seen["orders"]] == [
        ("evil", "1", "a1"),
        ("evil", "2", "a2"),
    ]
    stored = await fetch(dsn, 'SELECT id, article FROM ONLY tenant_acme."order" ORDER BY id')
    assert [tuple(row.values()) for row in stored] == [(1, "b"), (3, "c")]
    rights = await fetch(dsn, f"SELECT has_schema_privilege('{MEMBER}', 'tenant_acme', 'USAGE') AS has")
    assert rights == [{"has": False}]


async def _write(ann: Client) -> None:
    """Change orders of acme's, and try to change one of evil's."""
    other = {"tenant": "evil", "id": 1, "article": "b"}
    assert (await told(ann, "UpdateOrder", order={**other, "tenant": "acme"}))["article"] == "b"
    assert (await told(ann, "UpdateOrder", order=other))[1] == "ROW_NOT_FOUND"
    assert (await told(ann, "CreateOrder", order={**other, "id": 9}))[0] == "PERMISSION_DENIED"
    rows = [{"tenant": "acme", "id": 3, "article": "c"}]
    answer = await ann.call(f"{ORDERS}/BulkUpsertOrders", orders=rows)
    assert answer.inserted_count == 1
    assert await told(ann, "DeleteOrder", tenant="acme", id=2) == {}
