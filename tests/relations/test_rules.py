"""Rules of rows that ask for rows of other tables, in each method that reads or writes."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.policy.schema_rules import hops_of, row_rules
from gateway.request.relations.rows import relation_rows
from gateway.schema.diagnostics import SchemaError
from tests.harness.callers import Caller
from tests.harness.client import RpcFailed
from tests.harness.databases import Databases
from tests.harness.gateway import schema_of
from tests.policy.test_quotes import with_rule
from tests.relations.guilds import Stored, serving_guilds

CALLERS = (Caller("ann"), Caller("bob", ["treasurer"]), Caller("cyd"), Caller("dan"))
TASKS = "guilds.v1.TaskService/"
_GUILDS = [(realm, number) for realm in ("east", "west") for number in (1, 2, 3, 4)]


@pytest.fixture(scope="module")
async def guilds(
    databases: Databases, transport: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stored]:
    folder = tmp_path_factory.mktemp("guilds")
    async with serving_guilds(databases, transport, folder, CALLERS) as stored:
        yield stored


async def test_reads_by_key_that_share_statements_are_each_callers_own(guilds: Stored) -> None:
    ids = range(1, 41)

    async def get(caller: str, key: int) -> bool:
        try:
            await guilds.clients[caller].call(f"{TASKS}GetTask", id=key)
        except RpcFailed as failed:
            if failed.reason != "ROW_NOT_FOUND":
                raise
            return False
        return True

    asked = [(caller.name, key) for key in ids for caller in CALLERS]
    there = dict(zip(asked, await asyncio.gather(*(get(*one) for one in asked)), strict=True))
    for caller in (one.name for one in CALLERS):
        seen = {key for (key,) in await guilds.keys(caller, "SELECT id FROM seen_task")}
        assert {key for key in ids if there[caller, key]} == seen
        assert 0 < len(seen) < len(ids)
        batch = await guilds.clients[caller].call(f"{TASKS}BatchGetTasks", ids=sorted(seen))
        assert [one.id for one in batch.tasks] == sorted(seen)


def _made(method: str, task: dict[str, Any]) -> dict[str, Any]:
    if method == "CreateTask":
        return {"task": task}
    return {"tasks": [task]} if method == "BulkUpsertTasks" else {"requests": [{"task": task}]}


@pytest.mark.parametrize("method", ["CreateTask", "BatchCreateTasks", "BulkUpsertTasks"])
async def test_new_rows_are_held_to_rules_by_relations(guilds: Stored, method: str) -> None:
    """A caller has to be in the guild, above the lowest rank, and to see what was made."""
    asked = [(one.name, key) for key in _GUILDS for one in CALLERS]
    tasks = [
        {"id": 1000 + i, "realm": realm, "guild_number": number}
        for i, (_, (realm, number)) in enumerate(asked)
    ]
    calls = [
        _allowed(guilds, caller, method, _made(method, task))
        for (caller, _), task in zip(asked, tasks, strict=True)
    ]
    allowed = dict(zip(asked, await asyncio.gather(*calls), strict=True))
    await guilds.gateway.sql('DELETE FROM "table" WHERE id >= 1000')
    for caller in (one.name for one in CALLERS):
        may = await guilds.keys(
            caller,
            f"""SELECT g.realm, g."order" FROM seen_guild g WHERE g.open AND EXISTS (
            SELECT FROM seen_member m WHERE (m.realm, m.guild_number) = (g.realm, g."order")
            AND m."from" = '{caller}' AND m."order" > 1)""",  # noqa: S608 - the test's own names
        )
        assert [key for key in _GUILDS if allowed[caller, key]] == sorted(may)
    assert {*allowed.values()} == {True, False}


async def _allowed(guilds: Stored, caller: str, method: str, request: dict[str, Any]) -> bool:
    """Make a call; return whether it wasn't denied."""
    try:
        await guilds.clients[caller].call(f"{TASKS}{method}", request)
    except RpcFailed as failed:
        if failed.code.name != "PERMISSION_DENIED":
            raise
        return False
    return True


@pytest.mark.parametrize("caller", [one.name for one in CALLERS])
async def test_changed_rows_are_held_to_rules_by_relations(guilds: Stored, caller: str) -> None:
    """What isn't a caller's own it can't change; what has been changed is to be of a guild that it sees."""
    call = guilds.clients[caller].call
    own = await guilds.keys(
        caller,
        f"""SELECT t.id FROM seen_task t JOIN seen_member m ON m.id = t.owner_id
        WHERE m."from" = '{caller}'""",  # noqa: S608 - the test's own names
    )
    whole = {
        (realm, number)
        for realm, number in await guilds.keys(caller, 'SELECT realm, "order" FROM seen_guild')
    }
    seen = await guilds.keys(caller, "SELECT id FROM seen_task")
    for (key,) in seen:
        for realm, number in (("east", 1), ("west", 2)):
            task = {"id": key, "realm": realm, "guild_number": number}
            request = {"task": task, "update_mask": "realm,guildNumber", "validate_only": True}
            allowed = (key,) in own and (realm, number) in whole
            assert await _allowed(guilds, caller, "UpdateTask", request) == allowed
    request = {"filter": "owner:*", "task": {"realm": "east", "guild_number": 1}, "max_rows": 100}
    if ("east", 1) in whole:
        told = await call(f"{TASKS}UpdateTasksByFilter", request, validate_only=True)
        assert told.count == len(own)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"filter": "owner.wage > 10"}, "wage"),
        ({"filter": "count(owner.equals) > 1"}, "equals"),
        ({"filter": "owner.equals:*"}, "equals"),
        ({"filter": "exists(helpers, wage = 10)"}, "wage"),
        ({"filter": "lower(owner.house) = red"}, "house"),
        ({"order_by": "owner.wage"}, "wage"),
        ({"order_by": "owner.house desc"}, "house"),
    ],
)
async def test_hidden_and_masked_columns_are_no_fields(guilds: Stored, asked: Any, field: str) -> None:
    for name in (field, "nothing"):
        changed = {key: text.replace(field, name) for key, text in asked.items()}
        with pytest.raises(RpcFailed) as failed:
            await guilds.clients["ann"].call(f"{TASKS}ListTasks", changed)
        assert f'Member has no field "{name}"' in failed.value.message
    await guilds.clients["bob"].call(f"{TASKS}ListTasks", asked)
    if "filter" in asked:
        for method in ("CountTasks", "ExistsTasks", "DeleteTasksByFilter"):
            more = {"max_rows": 1, "validate_only": True} if method == "DeleteTasksByFilter" else {}
            with pytest.raises(RpcFailed, match=f'Member has no field "{field}"'):
                await guilds.clients["ann"].call(f"{TASKS}{method}", {**asked, **more})


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("parent.open = true", "policy.read: goes round in a circle"),
        ("tasks.title = 'x'", "policy.read: goes round in a circle"),
        ("members.nam = 'x'", 'Member has no field "nam"; did you mean "name"?'),
        ("members = 'x'", '"members" is a relation: it has members:*, and fields, as members.…, and count('),
    ],
)
def test_rules_that_cannot_be_are_refused_at_the_start(text: str, wrong: str) -> None:
    with pytest.raises(SchemaError) as refused:
        row_rules(with_rule(schema_of("guilds"), "guilds.v1.Guild", text))
    assert wrong in str(refused.value)


def test_filters_of_relations_know_no_circles() -> None:
    schema = schema_of("guilds")
    rows = relation_rows(schema, hops_of(schema, row_rules(schema)))
    assert rows["guilds.v1.Task.helpers"].filter.shape is not None
