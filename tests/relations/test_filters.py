"""Filters and orders across relations find what SQL by hand finds, whoever asks."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from tests.harness.callers import Caller
from tests.harness.client import RpcFailed
from tests.harness.databases import Databases
from tests.harness.gateway import start_gateway
from tests.relations.asked import Asked, filters, orders
from tests.relations.asked_tables import ALL_OF_KIN, GUILDS, KIN
from tests.relations.guilds import Key, Stored, serving_guilds
from tests.relations.kin import PLURALS, fill
from tests.rpc.readside import read_all

CALLERS = (Caller("ann"), Caller("bob", ["treasurer"]))
NAMES = st.sampled_from([one.name for one in CALLERS])
_SETTINGS = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
async def kin(databases: Databases, transport: str) -> AsyncIterator[Stored]:
    async with AsyncExitStack() as opened:
        gateway = await start_gateway("kin", databases, transport=transport)
        opened.push_async_callback(gateway.stop)
        await fill(gateway, people=40)
        stored = Stored(gateway, {"all": gateway.client})
        await stored.look(opened, "all", ALL_OF_KIN)
        yield stored


@pytest.fixture(scope="module")
async def guilds(
    databases: Databases, transport: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stored]:
    folder = tmp_path_factory.mktemp("guilds")
    async with serving_guilds(databases, transport, folder, CALLERS) as stored:
        yield stored


IN_KIN = st.sampled_from([*KIN]).flatmap(lambda name: st.tuples(st.just(name), filters(KIN, name)))
IN_GUILDS = st.sampled_from([*GUILDS]).flatmap(lambda name: st.tuples(st.just(name), filters(GUILDS, name)))
PLURAL = {"Guild": "Guilds", "Member": "Members", "Task": "Tasks"}
KEYS = {"Guild": ("realm", "number"), "Member": ("id",), "Task": ("id",)}


_TOWN = '(SELECT a.name FROM seen_town a WHERE a.id = t."townId")'


@contextmanager
def bounded() -> Iterator[None]:
    """Leave out what weighs more than a filter may."""
    try:
        yield
    except RpcFailed as error:
        assume(error.reason != "FILTER_TOO_COMPLEX")
        raise


@_SETTINGS
@given(asked=IN_KIN)
@example(("Person", Asked("NOT (town.name = T3 AND age >= 0)", f"NOT ({_TOWN} = 'T3' AND t.age >= 0)")))
@example(("Person", Asked("NOT (age < 0 OR NOT town.name = T3)", f"NOT (t.age < 0 OR NOT {_TOWN} = 'T3')")))
@example(("Person", Asked("NOT (NOT town.name = null)", f"NOT (NOT {_TOWN} IS NULL)")))
async def test_list_finds_what_sql_finds(kin: Stored, asked: tuple[str, Asked]) -> None:
    name, (text, sql) = asked
    plural, table = PLURALS[name], KIN[name]
    columns = ", ".join(f"t.{column}" for column in table.key)
    wanted = await kin.keys("all", f"SELECT {columns} FROM {table.view} t WHERE {sql} ORDER BY {columns}")  # noqa: S608 - drawn
    method = f"kin.v1.{name}Service/List{plural.method}"
    with bounded():
        found = await kin.clients["all"].call(method, page_size=1000, filter=text)
    assert [tuple(getattr(row, one) for one in plural.key) for row in getattr(found, plural.rows)] == wanted


@_SETTINGS
@given(asked=IN_GUILDS, caller=NAMES)
async def test_every_method_finds_what_its_caller_sees(
    guilds: Stored, asked: tuple[str, Asked], caller: str
) -> None:
    name, (text, sql) = asked
    table, plural, client = GUILDS[name], PLURAL[name], guilds.clients[caller]
    columns = ", ".join(f"t.{column}" for column in table.key)
    wanted = await guilds.keys(caller, f"SELECT {columns} FROM {table.view} t WHERE {sql} ORDER BY {columns}")  # noqa: S608 - drawn
    service = f"guilds.v1.{name}Service/"
    rows = plural.lower()

    def keys_of(answer: Any) -> list[Key]:
        return [tuple(getattr(row, one) for one in KEYS[name]) for row in getattr(answer, rows)]

    with bounded():
        assert keys_of(await client.call(f"{service}List{plural}", page_size=1000, filter=text)) == wanted
    assert (await client.call(f"{service}Count{plural}", filter=text)).count == len(wanted)
    assert (await client.call(f"{service}Exists{plural}", filter=text)).exists == bool(wanted)
    chunks = client.stream(f"{service}Stream{plural}", filter=text)
    assert [key async for chunk in chunks for key in keys_of(chunk)] == wanted


_MAY_BE_DELETED = """(SELECT g."select" IS NOT NULL AND (SELECT count(*) FROM seen_member m
    WHERE (m.realm, m.guild_number) = (g.realm, g."order")) > 2
    FROM seen_guild g WHERE (g.realm, g."order") = (t.realm, t.guild_number))"""


@settings(_SETTINGS, max_examples=20)
@given(asked=filters(GUILDS, "Task"), caller=NAMES)
async def test_what_a_filter_deletes_its_caller_may(guilds: Stored, asked: Asked, caller: str) -> None:
    request = {"filter": asked.text, "max_rows": 1000, "validate_only": True}
    with bounded():
        told = await guilds.clients[caller].call("guilds.v1.TaskService/DeleteTasksByFilter", request)
    wanted = f"SELECT id FROM seen_task t WHERE ({asked.sql}) AND {_MAY_BE_DELETED}"  # noqa: S608 - drawn
    assert told.count == len(await guilds.keys(caller, wanted))


@settings(_SETTINGS, max_examples=30)
@given(data=st.data(), caller=NAMES, size=st.integers(1, 9))
async def test_pages_go_on_in_order(guilds: Stored, data: st.DataObject, caller: str, size: int) -> None:
    name = data.draw(st.sampled_from(["Member", "Task", "Guild"]))
    order = data.draw(orders(GUILDS, name))
    table, plural = GUILDS[name], PLURAL[name]
    columns = ", ".join(f"t.{column}" for column in table.key)
    wanted = await guilds.keys(caller, f"SELECT {columns} FROM {table.view} t ORDER BY {order.sql}")  # noqa: S608 - drawn
    method, mask = f"guilds.v1.{name}Service/List{plural}", ",".join(KEYS[name])
    found = await read_all(
        guilds.clients[caller], method, plural.lower(), size, order_by=order.text, read_mask=mask
    )  # type: ignore[arg-type]
    assert [tuple(getattr(row, one) for one in KEYS[name]) for row in found] == wanted
