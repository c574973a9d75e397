"""Every method of a schema, and what a call may carry, over each transport."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from tests.conftest import GatewayFor, gateways
from tests.harness.client import Client, RpcFailed
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway, descriptors_of, schema_of
from tests.transport.conftest import GET, SERVICE, locked, until_waiting

CREATE = f"{SERVICE}/CreateAccount"
KEY = {"book": "main", "number": "1"}
ROW = {**KEY, "owner": "Ada", "title": "Cash", "note": "ü" * 3, "iban": "1"}


@pytest.fixture(scope="module")
async def served_ledger(databases: Databases, transport: str) -> AsyncIterator[RunningGateway]:
    """Serve the ledger over each transport, once."""
    async with gateways(databases, transport=transport) as start:
        yield await start("ledger")


@pytest.fixture
async def ledger(served_ledger: RunningGateway) -> AsyncIterator[RunningGateway]:
    """Return a gateway with one account."""
    await served_ledger.call(CREATE, {"account": ROW})
    yield served_ledger
    await served_ledger.sql('TRUNCATE "Ledger"."order" CASCADE')


async def test_every_method_answers(ledger: RunningGateway) -> None:
    other = {"account": {**KEY, "number": "2", "title": "Bank", "iban": "2"}}
    requests: dict[str, Any] = {
        "GetAccount": KEY,
        "ListAccounts": {"filter": "number = 1"},
        "CreateAccount": other,
        "UpdateAccount": {"account": {**KEY, "owner": "Bob"}, "update_mask": "owner"},
        "DeleteAccount": KEY,
        "UndeleteAccount": KEY,
        "BatchGetAccounts": {"requests": [KEY]},
        "BatchCreateAccounts": {"requests": [{"account": {**KEY, "number": "3", "iban": "3"}}]},
        "BatchUpdateAccounts": {"requests": [{"account": {**KEY, "owner": "Eve"}, "update_mask": "owner"}]},
        "BatchDeleteAccounts": {"requests": [{**KEY, "number": "3"}]},
        "CountAccounts": {},
        "BulkUpsertAccounts": {"accounts": [{**KEY, "number": "4", "title": "Four", "iban": "4"}]},
    }
    methods = {method.path.rpartition("/")[2] for method in schema_of("ledger").services[SERVICE].methods}
    assert methods == set(requests)
    answers = {name: await ledger.call(f"{SERVICE}/{name}", request) for name, request in requests.items()}
    assert answers["GetAccount"].note == "üüü"
    assert answers["UpdateAccount"].owner == "Bob"
    assert answers["CountAccounts"].count == 2
    assert answers["BulkUpsertAccounts"].inserted_count == 1
    assert len(await ledger.sql('SELECT 1 FROM "Ledger"."order" WHERE closed_at IS NULL')) == 3


async def test_a_refusal_carries_its_details_and_text_beyond_ascii(ledger: RunningGateway) -> None:
    with pytest.raises(RpcFailed) as caught:
        await ledger.call(GET, book="Bücher %1", number=7)
    assert (caught.value.code, caught.value.reason) == (grpc.StatusCode.NOT_FOUND, "ROW_NOT_FOUND")
    assert "Bücher %1" in caught.value.message
    assert caught.value.message == caught.value.status.message


async def test_an_unknown_method_is_unimplemented(ledger: RunningGateway) -> None:
    for path in ("/ledger.v1.AccountService/Nothing", "/nothing.v1.Nothing/Get"):
        with pytest.raises(RpcFailed) as caught:
            await ledger.client.raw(ledger.client.channel.unary_unary(path), b"", 10)
        assert caught.value.code is grpc.StatusCode.UNIMPLEMENTED


async def test_the_request_id_comes_back(ledger: RunningGateway) -> None:
    request = ledger.client.message("ledger.v1.GetAccountRequest", KEY).SerializeToString()
    stub = ledger.client.channel.unary_unary(f"/{GET}")
    metadata = (("x-request-id", "mine-1"), ("trace-bin", bytes(range(256))), ("other", "ignored"))
    call = stub(request, metadata=metadata, timeout=10)
    await call
    assert dict(await call.trailing_metadata())["x-request-id"] == "mine-1"


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
async def test_compressed_and_large_messages_pass(
    ledger: RunningGateway, compression: grpc.Compression
) -> None:
    notes = "".join(chr(0x4E00 + n % 5000) for n in range(1_000_000))
    row = {"account": {**ROW, "number": "9", "title": "Large", "iban": "9", "note": notes}}
    body = ledger.client.message("ledger.v1.CreateAccountRequest", row).SerializeToString()
    stub = ledger.client.channel.unary_unary(f"/{CREATE}")
    await stub(body, compression=compression, timeout=30)
    assert (await ledger.call(GET, {**KEY, "number": "9"})).note == notes


async def test_sizes_are_bounded(gateway_for: GatewayFor) -> None:
    ledger = await gateway_for("ledger", max_request_bytes=2000, max_response_bytes=2000)
    for number in range(3):
        row = {**ROW, "number": str(number), "title": f"T{number}", "iban": str(number), "note": "x" * 1000}
        await ledger.call(CREATE, {"account": row})
    # A List of too much has shorter pages.
    all_three = [{**KEY, "number": str(number)} for number in range(3)]
    refused: dict[str, tuple[str, Any]] = {
        "REQUEST_TOO_LARGE": ("ListAccounts", {"filter": "x" * 3000}),
        "RESPONSE_TOO_LARGE": ("BatchGetAccounts", {"requests": all_three}),
    }
    for reason, (method, request) in refused.items():
        with pytest.raises(RpcFailed) as caught:
            await ledger.call(f"{SERVICE}/{method}", request)
        assert (caught.value.code, caught.value.reason) == (grpc.StatusCode.OUT_OF_RANGE, reason)
    with pytest.raises(RpcFailed) as caught:
        await ledger.call(f"{SERVICE}/ListAccounts", {"filter": "x" * 5000})
    # grpc core refuses what is far past it in its own words.
    assert caught.value.code in (grpc.StatusCode.OUT_OF_RANGE, grpc.StatusCode.RESOURCE_EXHAUSTED)


async def test_calls_past_the_limit_are_refused(gateway_for: GatewayFor) -> None:
    ledger = await gateway_for("ledger", max_in_flight=2)
    # What is more than a connection may have waits at the client: each has one of its own.
    own = [("grpc.use_local_subchannel_pool", 1)]
    others = [Client(ledger.target, descriptors_of("ledger"), own) for _ in range(2)]
    try:
        async with locked(ledger.dsn) as connection:
            taken = [asyncio.create_task(client.call(GET, KEY)) for client in (ledger, others[0])]
            await until_waiting(connection, 2)
            with pytest.raises(RpcFailed) as caught:
                await others[1].call(GET, KEY)
            assert caught.value.reason == "TOO_MANY_CALLS"
        failures = await asyncio.gather(*taken, return_exceptions=True)
        assert [type(failed) for failed in failures] == [RpcFailed] * 2
    finally:
        for client in others:
            await client.close()


async def test_metadata_past_the_limit_is_refused(gateway_for: GatewayFor) -> None:
    ledger = await gateway_for("ledger", max_metadata_bytes=8192)
    stub = ledger.client.channel.unary_unary(f"/{GET}")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub(b"", metadata=(("large", "x" * 20_000),), timeout=10)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "8192" in (caught.value.details() or "")
    with pytest.raises(RpcFailed) as missing:
        await ledger.client.raw(stub, b"", 10)
    assert missing.value.code is grpc.StatusCode.NOT_FOUND


async def test_cancelled_calls_leave_the_pool_whole(gateway_for: GatewayFor) -> None:
    """No other call is cancelled with them."""
    ledger = await gateway_for("ledger", apart=True)
    await ledger.call(CREATE, {"account": ROW})
    request = ledger.client.message("ledger.v1.GetAccountRequest", KEY).SerializeToString()
    stub = ledger.client.channel.unary_unary(f"/{GET}")

    async def cancelled(number: int) -> None:
        call = stub(request, timeout=30)
        asyncio.get_running_loop().call_later(number % 20 / 1000, call.cancel)
        await asyncio.wait([asyncio.ensure_future(call.code())])

    for _ in range(10):
        await asyncio.gather(*(cancelled(number) for number in range(200)))
    lists = (ledger.call(f"{SERVICE}/ListAccounts") for _ in range(64))
    pages = await asyncio.gather(*lists)
    assert [account.owner for page in pages for account in page.accounts] == ["Ada"] * 64
    busy = (
        "SELECT query FROM pg_stat_activity "
        "WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()"
    )
    assert await ledger.sql(busy) == []
