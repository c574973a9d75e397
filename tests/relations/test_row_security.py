"""PostgreSQL's own policies hold for the rows of relations: they are read by the caller's role too."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway.schema.tables.metadata import build_tables
from tests.harness.callers import Caller, clients_of, write_keys
from tests.harness.client import RpcFailed
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import RunningGateway, schema_of, serve

_LOGIN, _MEMBER = "rowgate_kin_login", "rowgate_kin_member"
_SETUP = f"""
    DO $$ BEGIN
        IF to_regrole('{_MEMBER}') IS NULL THEN
            CREATE ROLE {_LOGIN} LOGIN NOINHERIT; CREATE ROLE {_MEMBER} NOLOGIN; GRANT {_MEMBER} TO {_LOGIN};
        END IF;
    END $$
    ;; GRANT USAGE ON SCHEMA public TO {_LOGIN}, {_MEMBER}
    ;; GRANT USAGE ON SCHEMA rowgate TO {_LOGIN}
    ;; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA rowgate TO {_LOGIN}
    ;; GRANT SELECT ON town, person TO {_MEMBER}
    ;; ALTER TABLE person ENABLE ROW LEVEL SECURITY
    ;; CREATE POLICY own ON person USING (birthplace = current_setting('request.jwt.claims')::json ->> 'sub')
    ;; INSERT INTO town (id, name, version) VALUES (1, 'T', 1)
    ;; INSERT INTO person (id, name, age, "townId", birthplace, parent_id, mood, moods, tags, picture, number,
        height, phone, open)
        SELECT n, 'P' || n, 20 + n, 1, CASE WHEN n % 2 = 0 THEN 'ann' ELSE 'bob' END, nullif(n - 1, 0),
        'GLAD', ARRAY[]::text[], ARRAY[]::text[], '', 0, 0, '', true FROM generate_series(1, 4) n
    ;; INSERT INTO badge (serial, person_id) VALUES ('B2', 2)
"""  # noqa: S608 - names from above
_MASK = "name,elders.*.name,elders.*.parent.name,elders.*.children.*.name"


async def test_a_row_that_is_not_there_for_the_role_is_not_held(
    databases: Databases, tmp_path: Path, transport: str
) -> None:
    dsn = await databases.copy_of("kin", build_tables(schema_of("kin")).metadata)
    for statement in _SETUP.split(";;"):
        await fetch(dsn, statement)
    keys = write_keys(tmp_path / "keys.json", [Caller("ann"), Caller("bob"), Caller("eve")])
    gateway = await serve(
        "kin",
        dsn.replace("//postgres@", f"//{_LOGIN}@"),
        transport=transport,
        auth_providers="api_key",
        auth_api_keys=tmp_path / "keys.json",
        auth_row_security="postgres",
        auth_database_role=_MEMBER,
    )
    try:
        await _look(gateway, keys)
    finally:
        await gateway.stop()


async def _look(gateway: RunningGateway, keys: Mapping[str, str]) -> None:
    async with clients_of(gateway, "kin", keys) as clients:
        for name, mine in (("ann", ["P4", "P2"]), ("bob", ["P3", "P1"]), ("eve", [])):
            for method, given in (("GetTown", {"id": 1}), ("BatchGetTowns", {"ids": [1]}), ("ListTowns", {})):
                answer = await clients[name].call(f"kin.v1.TownService/{method}", read_mask=_MASK, **given)
                town = answer if method == "GetTown" else answer.towns[0]
                assert [one.name for one in town.elders] == mine
                assert not any(one.HasField("parent") or one.children for one in town.elders)
            for text, found in (
                (f"natives.name = {(mine or ['P1'])[0]}", 0),
                ("elders.name = P3", name == "bob"),
            ):
                towns = await clients[name].call("kin.v1.TownService/ListTowns", filter=text)
                assert len(towns.towns) == found
            ordered = await clients[name].call(
                "kin.v1.PersonService/ListPeople", order_by="parent.name desc, id"
            )
            assert [one.name for one in ordered.people] == mine[::-1]
        with pytest.raises(RpcFailed) as failed:
            await clients["ann"].call("kin.v1.TownService/ListTowns", read_mask="elders.*.badge")
        assert failed.value.code.name == "PERMISSION_DENIED"
