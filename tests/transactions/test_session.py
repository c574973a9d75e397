"""Session: a transaction as long as its stream."""

import asyncio
from typing import Any

import grpc
import pytest

from gateway.app import Gateway
from gateway.cli.servers import SERVERS
from gateway.config.load import settings_of
from gateway.methods.transactions.session import MAX_SAVEPOINTS
from gateway.schema.tables.metadata import build_tables
from tests.conftest import GatewayFor
from tests.harness.client import Client, Conversation, RpcFailed
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway, descriptors_of, schema_of
from tests.harness.polling import next_poll
from tests.transactions.bank import ACCOUNTS, SESSION, accounts, bound, get_account, open_account, set_cents

COMMIT, ROLLBACK = {"end": "SESSION_END_COMMIT"}, {"end": "SESSION_END_ROLLBACK"}
pytestmark = pytest.mark.parametrize("transport", ["http", "grpcio"], scope="module")


async def begun(gateway: RunningGateway, **fields: Any) -> Conversation:
    """Begin a session."""
    session = gateway.client.converse(SESSION)
    await session.ask(begin=fields)
    return session


async def ask(gateway: RunningGateway, session: Conversation, step: dict[str, Any]) -> Any:
    """Return what a step is answered with."""
    answer = await session.ask(step=step)
    assert not answer.HasField("error"), answer.error
    return gateway.client.unpacked(answer.response)


async def open_transactions(gateway: RunningGateway) -> int:
    """Return how many sessions of PostgreSQL are within a transaction."""
    (row,) = await gateway.sql(
        "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database()"
        " AND state LIKE 'idle in transaction%'"
    )
    return int(row["n"])


async def test_steps_are_answered_one_by_one_and_kept_by_a_commit(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("bank")
    session = await begun(gateway)
    assert (await ask(gateway, session, open_account("a", 5))).cents == 5
    assert (await ask(gateway, session, set_cents("a", 6))).version == 2
    assert (await ask(gateway, session, get_account("a"))).cents == 6
    assert await accounts(gateway) == {}
    assert not (await session.ask(**COMMIT)).ListFields()
    assert await session.end() == []
    assert await accounts(gateway) == {"a": 6}
    assert await open_transactions(gateway) == 0


async def test_a_rollback_leaves_nothing(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("bank")
    session = await begun(gateway)
    await ask(gateway, session, open_account("a", 5))
    await session.ask(**ROLLBACK)
    assert await session.end() == []
    assert await accounts(gateway) == {}
    assert await open_transactions(gateway) == 0


async def test_a_stream_that_ends_without_a_commit_leaves_nothing(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("bank")
    session = await begun(gateway)
    await ask(gateway, session, open_account("a", 5))
    with pytest.raises(RpcFailed) as failed:
        await session.end()
    assert (failed.value.code, failed.value.reason) == (grpc.StatusCode.ABORTED, "SESSION_NOT_COMMITTED")
    assert await accounts(gateway) == {}


async def test_a_step_that_failed_is_undone_by_a_savepoint(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("bank")
    session = await begun(gateway)
    await ask(gateway, session, open_account("a", 5))
    await session.ask(savepoint="opened")
    await ask(gateway, session, set_cents("a", 1))
    answer = await session.ask(step=set_cents("a", -1))
    assert answer.error.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    await session.ask(rollback_to="opened")
    assert (await ask(gateway, session, get_account("a"))).cents == 5
    await session.ask(**COMMIT)
    assert await accounts(gateway) == {"a": 5}


@pytest.mark.parametrize("next_", [{"step": get_account("a")}, {"savepoint": "s"}, COMMIT])
async def test_a_step_that_failed_lets_nothing_else_be_done(
    gateway_for: GatewayFor, next_: dict[str, Any]
) -> None:
    gateway = await gateway_for("bank")
    session = await begun(gateway)
    await ask(gateway, session, open_account("a", 5))
    assert (await session.ask(step=get_account("nobody"))).HasField("error")
    with pytest.raises(RpcFailed) as failed:
        await session.ask(**next_)
    assert failed.value.reason == "SESSION_FAILED"
    assert failed.value.subjects == [f"{ACCOUNTS}.GetAccount"]
    assert await accounts(gateway) == {}
    assert await open_transactions(gateway) == 0


async def test_a_step_that_was_refused_before_it_began_changes_nothing(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("bank")
    session = await begun(gateway)
    await ask(gateway, session, open_account("a", 5))
    for wrong in (
        {"method": "bank.v1.AccountService.Nothing"},
        {**get_account("a"), "bindings": [bound(0, "id", "id")]},
    ):
        assert (await session.ask(step=wrong)).HasField("error")
    await session.ask(**COMMIT)
    assert await accounts(gateway) == {"a": 5}


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"step": get_account("a")}, "BEGIN_REQUIRED"),
        ({"begin": {}, "end": "SESSION_END_COMMIT"}, "BEGIN_REQUIRED"),
    ],
)
async def test_a_session_begins_with_its_begin(
    gateway_for: GatewayFor, wrong: dict[str, Any], reason: str
) -> None:
    gateway = await gateway_for("bank")
    with pytest.raises(RpcFailed) as failed:
        await gateway.client.converse(SESSION).ask(**wrong)
    assert failed.value.reason == reason


@pytest.mark.parametrize(
    ("wrong", "reason", "said"),
    [
        ({"begin": {}}, "ONE_THING_AT_ONCE", "has begun"),
        ({}, "ONE_THING_AT_ONCE", "says nothing"),
        ({"end": "SESSION_END_UNSPECIFIED"}, "ONE_THING_AT_ONCE", "says neither"),
        ({"savepoint": "s", "rollback_to": "s"}, "ONE_THING_AT_ONCE", "says savepoint, rollback_to"),
        ({"rollback_to": "s"}, "WRONG_SAVEPOINT", "names no savepoint"),
        ({"savepoint": "s" * 65}, "WRONG_SAVEPOINT", "savepoint: has more than 64 characters"),
    ],
)
async def test_a_wrong_message_undoes_all(
    gateway_for: GatewayFor, wrong: dict[str, Any], reason: str, said: str
) -> None:
    gateway = await gateway_for("bank")
    session = await begun(gateway)
    await ask(gateway, session, open_account("a", 5))
    with pytest.raises(RpcFailed) as failed:
        await session.ask(**wrong)
    assert failed.value.reason == reason
    assert said in failed.value.message
    assert await accounts(gateway) == {}


async def test_a_session_has_so_many_savepoints(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("bank")
    session = await begun(gateway)
    for number in range(MAX_SAVEPOINTS):
        await session.ask(savepoint=str(number))
    await session.ask(savepoint="0")
    with pytest.raises(RpcFailed) as failed:
        await session.ask(savepoint="one more")
    assert failed.value.message == f"savepoint: is one of more than {MAX_SAVEPOINTS}"


async def test_nothing_is_written_by_one_that_reads_only(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("bank")
    session = await begun(gateway, read_only=True)
    answer = await session.ask(step=open_account("a"))
    assert answer.HasField("error")
    await session.ask(**COMMIT)


async def test_a_client_that_leaves_leaves_nothing_and_no_connection(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("bank", pool_size=4)
    session = await begun(gateway)
    await ask(gateway, session, open_account("a", 5))
    assert await open_transactions(gateway) == 1
    session.call.cancel()
    async with asyncio.timeout(10):
        while await open_transactions(gateway):
            await next_poll()
    assert await accounts(gateway) == {}
    await asyncio.gather(*(ask_once(gateway) for _ in range(8)))


async def ask_once(gateway: RunningGateway) -> None:
    """Call by a connection of the pool."""
    await gateway.call("bank.v1.AccountService/CountAccounts", {})


async def test_an_idle_session_is_rolled_back(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("bank", session_idle_timeout=0.2)
    session = await begun(gateway)
    await ask(gateway, session, open_account("a", 5))
    with pytest.raises(RpcFailed) as failed:
        await anext(session)
    assert (failed.value.code, failed.value.reason) == (grpc.StatusCode.ABORTED, "SESSION_IDLE")
    assert await accounts(gateway) == {}
    assert await open_transactions(gateway) == 0


async def test_a_session_lasts_no_longer_than_it_may(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("bank", session_timeout=0.3)
    session = await begun(gateway)
    await ask(gateway, session, open_account("a", 5))
    await session.ask(savepoint="s")
    with pytest.raises(RpcFailed) as failed:
        await anext(session)  # asked no more: grpcio's client calls a write at the end an internal error
    assert failed.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert await accounts(gateway) == {}


async def test_sessions_have_a_part_of_the_pool(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("bank", pool_size=4)
    session = await begun(gateway)
    with pytest.raises(RpcFailed) as failed:
        await begun(gateway)
    assert (failed.value.code, failed.value.reason) == (
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "TOO_MANY_SESSIONS",
    )
    await ask_once(gateway)
    await session.ask(**COMMIT)
    await session.end()
    await (await begun(gateway)).ask(**ROLLBACK)


async def test_open_sessions_are_counted(databases: Databases, transport: str) -> None:
    descriptors = descriptors_of("bank")
    dsn = await databases.copy_of("bank", build_tables(schema_of("bank")).metadata)
    settings = settings_of(dsn=dsn, listen="127.0.0.1:0", admin_listen="127.0.0.1:0", transport=transport)
    gateway = await Gateway.start(descriptors, settings, SERVERS[transport])
    client = Client(f"127.0.0.1:{gateway.port}", descriptors)
    counted = []
    try:
        assert gateway.source is not None
        for end in (COMMIT, ROLLBACK):
            session = client.converse(SESSION)
            await session.ask(begin={})
            counted.append((await gateway.source.figures())["rowgate_sessions"][()])
            await session.ask(**end)
            await session.end()
            counted.append((await gateway.source.figures())["rowgate_sessions"][()])
    finally:
        await client.close()
        await gateway.stop(grace=1)
    assert counted == [1, 0, 1, 0]


async def test_a_session_under_way_is_rolled_back_when_the_server_stops(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("bank")
    session = await begun(gateway)
    await ask(gateway, session, open_account("a", 5))
    stopping = asyncio.create_task(gateway.end())
    with pytest.raises(RpcFailed) as failed:
        await anext(session)
    await stopping
    assert failed.value.code is grpc.StatusCode.UNAVAILABLE
    assert await accounts(gateway) == {}
