"""SQL methods answer what their queries do, with the types and NULLs of their messages."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from google.protobuf.json_format import MessageToDict

from tests.harness.client import RpcFailed
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway, serve
from tests.harness.polling import next_poll
from tests.queries.conftest import LIBRARY, library


def plain(message: Any) -> Any:
    """Return a message as a dictionary."""
    return MessageToDict(message, preserving_proto_field_name=True)


async def test_a_row_comes_with_messages_below_it(gateway: RunningGateway) -> None:
    found = await gateway.call(f"{LIBRARY}/FindBook", id=1)
    (stored,) = await gateway.sql("SELECT isbn FROM book WHERE id = 1")
    assert plain(found) == {
        "id": "1",
        "title": "One",
        "pages": 100,
        "genre": "GENRE_NOVEL",
        "tags": ["a", "b"],
        "printed_at": "2020-01-02T03:04:05Z",
        "isbn": str(stored["isbn"]),
        "author": {"name": "Ada", "country": "GB"},
    }
    without = await gateway.call(f"{LIBRARY}/FindBook", id=3)
    assert not without.HasField("author")
    assert not (await gateway.call(f"{LIBRARY}/FindBook", id=2)).HasField("pages")


async def test_no_row_is_not_found_or_empty_and_two_are_too_many(gateway: RunningGateway) -> None:
    with pytest.raises(RpcFailed) as missing:
        await gateway.call(f"{LIBRARY}/FindBook", id=9)
    assert missing.value.reason == "ROW_NOT_FOUND"
    assert not (await gateway.call(f"{LIBRARY}/LookForBook", id=9)).title
    assert (await gateway.call(f"{LIBRARY}/OneOfBooks", pattern="On%")).title == "One"
    with pytest.raises(RpcFailed) as several:
        await gateway.call(f"{LIBRARY}/OneOfBooks", pattern="T%")
    assert (several.value.reason, several.value.metadata["limit"]) == ("TOO_MANY_ROWS", "1")


async def test_rows_are_bounded_and_unset_parameters_are_null(gateway: RunningGateway) -> None:
    of = {"genres": ["GENRE_NOVEL", "GENRE_ESSAY"], "author": {"name": "Ada"}}
    every = await gateway.call(f"{LIBRARY}/BooksOf", of)
    assert [(one.title, one.of_all) for one in every.books] == [("One", 2), ("Two", 2)]
    assert not (await gateway.call(f"{LIBRARY}/BooksOf", {**of, "country": "US"})).books
    assert not (await gateway.call(f"{LIBRARY}/BooksOf", genres=["GENRE_NOVEL"])).books
    await gateway.sql(
        "INSERT INTO book (id, author_id, title, genre, tags) SELECT n, 1, 'More', 'GENRE_ESSAY', '{}' "
        "FROM generate_series(10, 11) n"
    )
    with pytest.raises(RpcFailed) as many:
        await gateway.call(f"{LIBRARY}/BooksOf", of)
    assert (many.value.code.name, many.value.reason) == ("OUT_OF_RANGE", "TOO_MANY_ROWS")


async def test_every_type_comes_back_as_it_was_sent(gateway: RunningGateway) -> None:
    sent = {
        "int": -(2**31),
        "long": str(2**63 - 1),
        "big": str(2**64 - 1),
        "real": 0.5,
        "double": 1e300,
        "yes": True,
        "text": "ä:id $1",
        "bytes": "AAH/",
        "genre": "GENRE_ESSAY",
        "at": "2013-01-01T00:00:00.000001Z",
        "lasts": "3.500s",
        "day": {"year": 2013, "month": 2, "day": 3},
        "amount": {"value": "1.50"},
        "maybe": "",
        "wrapped": "0",
        "many": ["a", ""],
        "many_longs": ["1", "2"],
        "id": str(uuid4()),
        "address": "10.0.0.1",
    }
    assert plain(await gateway.call(f"{LIBRARY}/Echo", sent)) == sent
    del sent["maybe"], sent["wrapped"], sent["at"]
    assert plain(await gateway.call(f"{LIBRARY}/Echo", sent)) == sent


async def test_a_value_that_the_query_cannot_take_is_told_by_its_field(gateway: RunningGateway) -> None:
    with pytest.raises(RpcFailed) as refused:
        await gateway.call(f"{LIBRARY}/Echo", id="no uuid", text="\0", address="10.0.0.1")
    assert (refused.value.code.name, refused.value.fields) == ("INVALID_ARGUMENT", ["text", "id"])


async def test_a_request_is_held_to_its_rules(gateway: RunningGateway) -> None:
    with pytest.raises(RpcFailed) as refused:
        await gateway.call(f"{LIBRARY}/OneOfBooks", pattern="%")
    assert (refused.value.reason, refused.value.fields) == ("RULE_VIOLATION", ["pattern"])


async def test_statements_have_the_names_of_their_methods(
    databases: Databases, transport: str, caplog: pytest.LogCaptureFixture
) -> None:
    served = await serve(
        "queries", await library(databases), transport=transport, log_slow_statement=0.000001
    )
    await served.call(f"{LIBRARY}/FindBook", id=1)
    await served.call(f"{LIBRARY}/Forget", id=1)
    await served.stop()
    slow = {vars(one)["statement"] for one in caplog.records if one.getMessage() == "a statement was slow"}
    assert {"queries.v1.LibraryService.FindBook", "queries.v1.LibraryService.Forget"} <= slow


async def test_a_null_that_was_ruled_out_is_an_error(gateway: RunningGateway) -> None:
    assert (await gateway.call(f"{LIBRARY}/Promise", id=1)).title == "One"
    await gateway.sql("UPDATE book SET title = 'nothing' WHERE id = 1")
    with pytest.raises(RpcFailed) as broken:
        await gateway.call(f"{LIBRARY}/Promise", id=1)
    assert (broken.value.code.name, broken.value.fields) == ("DATA_LOSS", ["title"])


async def test_a_stream_has_a_message_a_row_or_as_many_as_fit(gateway: RunningGateway) -> None:
    titles = [one async for one in gateway.client.stream(f"{LIBRARY}/StreamTitles", from_id=2)]
    assert [one.title for one in titles] == ["Two", "Three"]
    chunks = [one async for one in gateway.client.stream(f"{LIBRARY}/StreamNumbers", count=30_000)]
    assert [one.number for chunk in chunks for one in chunk.numbers] == list(range(1, 30_001))
    assert 10 < len(chunks) < 500
    assert max(chunk.ByteSize() for chunk in chunks) <= 256 * 1024


async def test_writes_are_counted_returned_and_repeated_once(gateway: RunningGateway) -> None:
    key = str(uuid4())
    for _ in range(2):
        told = await gateway.call(f"{LIBRARY}/Lengthen", author_id=1, more=5, request_id=key)
        assert told.affected_rows == 2
    tried = await gateway.call(f"{LIBRARY}/Lengthen", author_id=1, more=5, validate_only=True)
    assert tried.affected_rows == 2
    assert (await gateway.sql("SELECT pages FROM book WHERE id = 1"))[0]["pages"] == 105
    with pytest.raises(RpcFailed) as reused:
        await gateway.call(f"{LIBRARY}/Lengthen", author_id=2, more=5, request_id=key)
    assert reused.value.reason == "REQUEST_ID_REUSED"
    printed = await gateway.call(f"{LIBRARY}/Print", title="Four", request_id=str(uuid4()))
    assert (printed.id, printed.title) == (4, "Four")
    await gateway.call(f"{LIBRARY}/Forget", id=4)
    assert [row["id"] for row in await gateway.sql("SELECT id FROM book ORDER BY id")] == [1, 2, 3]


async def test_a_function_that_writes_is_refused_in_a_query_that_reads(gateway: RunningGateway) -> None:
    assert (await gateway.call(f"{LIBRARY}/Draw")).number == 4
    await gateway.sql(
        "CREATE OR REPLACE FUNCTION public.draw() RETURNS integer LANGUAGE plpgsql VOLATILE AS "
        "$$BEGIN DELETE FROM book; RETURN 1; END$$"
    )
    for _ in range(3):
        with pytest.raises(RpcFailed) as refused:
            await gateway.call(f"{LIBRARY}/Draw")
        assert (refused.value.code.name, refused.value.reason) == ("FAILED_PRECONDITION", "QUERY_WRITES")
        assert refused.value.subjects == [f"{LIBRARY}.Draw"]
    assert len(await gateway.sql("SELECT FROM book")) == 3


async def test_a_query_ends_with_its_caller(gateway: RunningGateway) -> None:
    for timeout in (0.3, 0.3):
        with pytest.raises(RpcFailed, match="DEADLINE_EXCEEDED"):
            await gateway.client.call(f"{LIBRARY}/Sleep", timeout=timeout, seconds=60)
    mine = "state = 'active' AND query LIKE '%pg_sleep(%' AND pid <> pg_backend_pid()"
    async with asyncio.timeout(20):
        while await gateway.sql(f"SELECT FROM pg_stat_activity WHERE {mine}"):
            await next_poll()


async def test_a_stream_ends_with_its_client(gateway: RunningGateway) -> None:
    stream = gateway.client.stream(f"{LIBRARY}/StreamNumbers", count=10**12)
    assert (await anext(stream)).numbers[0].number == 1
    stream.call.cancel()
    mine = "query LIKE '%generate_series%' AND state <> 'idle' AND pid <> pg_backend_pid()"
    async with asyncio.timeout(20):
        while await gateway.sql(f"SELECT FROM pg_stat_activity WHERE {mine}"):
            await next_poll()


async def test_a_database_that_changes_later_is_told(gateway: RunningGateway) -> None:
    await gateway.call(f"{LIBRARY}/LookForBook", id=1)
    await gateway.sql("ALTER TABLE book ALTER COLUMN title TYPE bytea USING title::bytea")
    with pytest.raises(RpcFailed) as changed:
        await gateway.call(f"{LIBRARY}/LookForBook", id=1)
    assert changed.value.reason == "SCHEMA_MISMATCH"
    await gateway.sql("ALTER TABLE book RENAME COLUMN title TO heading")
    with pytest.raises(RpcFailed) as gone:
        await gateway.call(f"{LIBRARY}/LookForBook", id=1)
    assert gone.value.reason == "SCHEMA_MISMATCH"
