"""PostgreSQL's own policies hold for rows that others hold: they are written by the caller's role too."""

from pathlib import Path

import pytest

from gateway.schema.tables.metadata import build_tables
from tests.harness.callers import Caller, clients_of, write_keys
from tests.harness.client import RpcFailed
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import schema_of, serve

ORDERS = "orders.v1.OrderService"
_LOGIN, _MEMBER = "rowgate_orders_login", "rowgate_orders_member"
_SETUP = f"""
    DO $$ BEGIN
        IF to_regrole('{_MEMBER}') IS NULL THEN
            CREATE ROLE {_LOGIN} LOGIN NOINHERIT; CREATE ROLE {_MEMBER} NOLOGIN; GRANT {_MEMBER} TO {_LOGIN};
        END IF;
    END $$
    ;; GRANT USAGE ON SCHEMA public TO {_LOGIN}, {_MEMBER}
    ;; GRANT USAGE ON SCHEMA rowgate TO {_LOGIN}
    ;; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA rowgate TO {_LOGIN}
    ;; GRANT USAGE ON ALL SEQUENCES IN SCHEMA rowgate TO {_LOGIN}
    ;; GRANT SELECT, INSERT, UPDATE, DELETE ON "Order", line, mark TO {_MEMBER}
    ;; GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {_MEMBER}
    ;; ALTER TABLE line ENABLE ROW LEVEL SECURITY
    ;; CREATE POLICY own ON line USING (sku = current_setting('request.jwt.claims')::json ->> 'sub')
"""


async def test_rows_are_those_of_the_callers_role(
    databases: Databases, tmp_path: Path, transport: str
) -> None:
    dsn = await databases.copy_of("orders", build_tables(schema_of("orders")).metadata)
    for statement in _SETUP.split(";;"):
        await fetch(dsn, statement)
    keys = write_keys(tmp_path / "keys.json", [Caller("ann", ["clerk"]), Caller("bob", ["clerk"])])
    gateway = await serve(
        "orders",
        dsn.replace("//postgres@", f"//{_LOGIN}@"),
        transport=transport,
        auth_providers="api_key",
        auth_api_keys=tmp_path / "keys.json",
        auth_row_security="postgres",
        auth_database_role=_MEMBER,
    )
    lines = [{"position": i, "sku": "ann", "quantity": 1} for i in (1, 2)]
    try:
        async with clients_of(gateway, "orders", keys) as clients:
            order = await clients["ann"].call(f"{ORDERS}/CreateOrder", order={"code": "a", "lines": lines})
            lines[1]["sku"] = "bob"
            with pytest.raises(RpcFailed) as refused:
                await clients["ann"].call(f"{ORDERS}/CreateOrder", order={"code": "b", "lines": lines})
            assert (refused.value.reason, refused.value.fields) == ("ROW_NOT_ALLOWED", ["order.lines[1]"])
            sent = {"id": order.id, "lines": [{"position": 3, "sku": "bob", "quantity": 1}]}
            await clients["bob"].call(f"{ORDERS}/UpdateOrder", order=sent, update_mask="lines")
            stored = await fetch(dsn, "SELECT position, sku FROM line ORDER BY 1")
            assert [(*row.values(),) for row in stored] == [(1, "ann"), (2, "ann"), (3, "bob")]
            with pytest.raises(RpcFailed) as refused:
                await clients["ann"].call(
                    f"{ORDERS}/CreateOrder", order={"code": "c", "notes": [{"words": "w"}]}
                )
            assert refused.value.code.name == "PERMISSION_DENIED"
            [orders] = await fetch(dsn, 'SELECT count(*) FROM "Order"')
            assert orders["count"] == 1
    finally:
        await gateway.stop()
