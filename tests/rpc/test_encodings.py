"""An encoding that lacks characters: a row that holds one is refused, by its field, others are not."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.schema.tables.metadata import build_tables
from tests.harness.client import RpcFailed
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway, schema_of, serve
from tests.rpc.bulk_ways import WAYS, taking
from tests.rpc.test_bulk_errors import account, named

_SERVICE = "ledger.v1.AccountService"


async def _latin(name: str, databases: Databases, transport: str) -> AsyncIterator[RunningGateway]:
    dsn = await databases.encoded("LATIN1", build_tables(schema_of(name)).metadata)
    gateway = await serve(name, dsn, transport=transport)
    yield gateway
    await gateway.stop()


@pytest.fixture(scope="module")
async def ledger(databases: Databases, transport: str) -> AsyncIterator[RunningGateway]:
    """Serve accounts in LATIN1."""
    async for gateway in _latin("ledger", databases, transport):
        yield gateway


@pytest.fixture(scope="module")
async def flow(databases: Databases, transport: str) -> AsyncIterator[RunningGateway]:
    """Serve events in LATIN1."""
    async for gateway in _latin("flow", databases, transport):
        yield gateway


@pytest.mark.parametrize("way", WAYS)
async def test_a_bulk_upsert_refuses_the_rows_that_hold_them(ledger: RunningGateway, way: str) -> None:
    """The whole request was refused, partial_failure or not, and no field was named."""
    book = f"b{WAYS.index(way)}"
    rows: list[dict[str, Any]] = [
        account(number, book=book, title=f"{way} {number}", iban=f"{way}{number}") for number in range(8)
    ]
    rows[1]["title"] += "é"
    rows[3]["title"] += "日本"
    rows[5] |= {"book": "😀", "note": "é€"}
    with taking(way):
        answer = await ledger.call(f"{_SERVICE}/BulkUpsertAccounts", accounts=rows, partial_failure=True)
        assert named(answer) == {
            3: ("INVALID_TEXT", ["accounts[3].title"]),
            5: ("INVALID_TEXT", ["accounts[5].book", "accounts[5].note"]),
        }
        with pytest.raises(RpcFailed) as refused:
            await ledger.call(f"{_SERVICE}/BulkUpsertAccounts", accounts=rows)
    assert refused.value.fields == ["accounts[3].title", "accounts[5].book", "accounts[5].note"]
    stored = await ledger.sql('SELECT number, "Title" AS title FROM "Ledger"."order" WHERE book = $1', book)
    assert {row["number"]: row["title"] for row in stored} == {
        i: row["title"] for i, row in enumerate(rows) if i not in (3, 5)
    }


async def test_a_single_write_and_a_filter_are_refused(ledger: RunningGateway) -> None:
    row = account(1, book="single", title="日")
    with pytest.raises(RpcFailed) as refused:
        await ledger.call(f"{_SERVICE}/CreateAccount", account=row)
    assert (refused.value.reason, refused.value.fields) == ("INVALID_TEXT", ["account.title"])
    with pytest.raises(RpcFailed) as refused:
        await ledger.call(f"{_SERVICE}/ListAccounts", filter='title = "日"')
    assert (refused.value.code.name, refused.value.reason) == ("INVALID_ARGUMENT", "INVALID_TEXT")


async def test_texts_are_folded_in_utf8_alone(ledger: RunningGateway) -> None:
    await ledger.call(f"{_SERVICE}/CreateAccount", account=account(1, book="folded", title="Été"))
    with pytest.raises(RpcFailed) as refused:
        await ledger.call(f"{_SERVICE}/ListAccounts", filter='fold(title) = "ete"')
    assert (refused.value.code.name, refused.value.reason) == ("UNIMPLEMENTED", "FEATURE_NOT_SUPPORTED")
    assert "encoding is UTF8" in refused.value.message
    found = await ledger.call(f"{_SERVICE}/ListAccounts", filter='matches(title, "^É.é$")')
    assert [row.title for row in found.accounts] == ["Été"]


async def test_an_ingest_names_the_row_and_goes_on(flow: RunningGateway) -> None:
    """The chunk never passed, and nothing said which row of it was wrong."""
    talk = flow.client.converse("flow.v1.EventService/IngestEvents")
    await talk.ask(start={"stream_id": "latin"})
    rows = [{"id": 1, "name": "é"}, {"id": 2, "name": "日"}]
    with pytest.raises(RpcFailed) as refused:
        await talk.ask(sequence=1, events=rows)
    assert refused.value.fields == ["events[1].name"]
