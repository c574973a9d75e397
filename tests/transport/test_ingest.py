"""Ingest over each transport: what is acknowledged is stored, once, whoever goes away or comes back."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from tests.conftest import GatewayFor, gateways
from tests.harness.client import Conversation, RpcFailed
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway
from tests.transport.conftest import locked, until_waiting

INGEST = "flow.v1.EventService/IngestEvents"
MEBIBYTE = 1024 * 1024
OURS = "mine"


@pytest.fixture(scope="module")
async def flow(databases: Databases, transport: str) -> AsyncIterator[RunningGateway]:
    async with gateways(databases, transport=transport) as start:
        yield await start("flow")


@pytest.fixture
async def gateway(flow: RunningGateway) -> RunningGateway:
    """Return the module's gateway, with nothing stored."""
    # In the order in which a chunk locks them: one of the test before may still be under way.
    await flow.sql("TRUNCATE rowgate.ingest, event")
    return flow


def events(first: int, last: int) -> list[dict[str, Any]]:
    return [
        {"id": number, "name": f"event {number}", "amount": number * 7} for number in range(first, last + 1)
    ]


async def begun(gateway: RunningGateway, stream: str = "s", **options: Any) -> tuple[Conversation, Any]:
    """Start or resume a stream; return the call and its first answer."""
    talk = gateway.client.converse(INGEST)
    return talk, await talk.ask(start={"stream_id": stream, **options})


async def stored(gateway: RunningGateway) -> list[tuple[int, int]]:
    """Return each row's id and version: a row that was written twice has version 2."""
    rows = await gateway.sql("SELECT id, version FROM event ORDER BY id")
    return [(row["id"], row["version"]) for row in rows]


def once(last: int) -> list[tuple[int, int]]:
    return [(number, 1) for number in range(1, last + 1)]


async def refused(talk: Conversation, **request: Any) -> RpcFailed:
    with pytest.raises(RpcFailed) as failed:
        await talk.ask(**request)
    return failed.value


async def test_chunks_are_acknowledged_when_they_are_stored(gateway: RunningGateway) -> None:
    talk, first = await begun(gateway)
    assert first.watermark == 0
    for sequence in range(1, 4):
        answer = await talk.ask(sequence=sequence, events=events(10 * sequence - 9, 10 * sequence))
        assert (answer.watermark, answer.inserted_count) == (sequence, 10)
        assert await stored(gateway) == once(10 * sequence)
    assert await talk.end() == []
    assert await talk.call.code() is grpc.StatusCode.OK


async def test_a_stream_goes_on_behind_its_watermark(gateway: RunningGateway) -> None:
    talk, _ = await begun(gateway)
    await talk.ask(sequence=1, events=events(1, 5))
    told = await talk.ask(sequence=2, events=events(6, 9))
    talk.call.cancel()
    talk, first = await begun(gateway)
    assert first == told
    for sequence in (1, 2):
        again = await talk.ask(sequence=sequence, events=events(1, 9))
        assert (again.watermark, again.updated_count, again.unchanged_count) == (2, 0, 0)
    answer = await talk.ask(sequence=3, events=events(10, 11))
    assert answer.watermark == 3
    await talk.end()
    assert await stored(gateway) == once(11)


async def test_many_chunks_may_be_under_way(gateway: RunningGateway) -> None:
    talk, _ = await begun(gateway)
    for sequence in range(1, 101):
        await talk.send(sequence=sequence, events=events(sequence, sequence))
    answers = await talk.end()
    assert [answer.watermark for answer in answers] == list(range(1, 101))
    assert await stored(gateway) == once(100)


async def test_sequences_have_no_gap_and_begin_with_one(gateway: RunningGateway) -> None:
    for sequence in (0, -1, 2):
        talk, _ = await begun(gateway)
        error = await refused(talk, sequence=sequence, events=events(1, 1))
        assert (error.reason, error.fields) == ("SEQUENCE_GAP", ["sequence"])
    assert await stored(gateway) == []


async def test_the_start_comes_first_alone_and_once(gateway: RunningGateway) -> None:
    error = await refused(gateway.client.converse(INGEST), sequence=1, events=events(1, 1))
    assert (error.reason, error.fields) == ("START_REQUIRED", ["start"])
    error = await refused(gateway.client.converse(INGEST), start={"stream_id": "s"}, sequence=1)
    assert error.reason == "START_NOT_ALONE"
    talk, _ = await begun(gateway)
    error = await refused(talk, start={"stream_id": "s"})
    assert error.reason == "START_REPEATED"
    for wrong in ("", "x" * 129, "a\0b"):
        error = await refused(gateway.client.converse(INGEST), start={"stream_id": wrong})
        assert (error.reason, error.fields) == ("INVALID_STREAM_ID", ["start.stream_id"])


async def test_a_call_without_messages_is_refused(gateway: RunningGateway) -> None:
    talk = gateway.client.converse(INGEST)
    with pytest.raises(RpcFailed) as failed:
        await talk.end()
    assert failed.value.reason == "START_REQUIRED"


async def test_options_are_checked_and_stay_the_same(gateway: RunningGateway) -> None:
    error = await refused(
        gateway.client.converse(INGEST), start={"stream_id": "s", "conflict_target": ["amount"]}
    )
    assert error.fields == ["start.conflict_target"]
    error = await refused(gateway.client.converse(INGEST), start={"stream_id": "s", "update_mask": "nothing"})
    assert error.fields == ["start.update_mask"]
    talk, _ = await begun(gateway, on_conflict="ON_CONFLICT_IGNORE")
    await talk.ask(sequence=1, events=events(1, 1))
    error = await refused(gateway.client.converse(INGEST), start={"stream_id": "s"})
    assert (error.reason, error.fields) == ("STREAM_ID_REUSED", ["start.stream_id"])
    answer = await talk.ask(sequence=2, events=events(1, 2))
    assert (answer.inserted_count, answer.ignored_count) == (1, 1)


async def test_streams_of_other_names_have_their_own_watermark(gateway: RunningGateway) -> None:
    one, _ = await begun(gateway, "one")
    await one.ask(sequence=1, events=events(1, 3))
    other, first = await begun(gateway, "other")
    assert first.watermark == 0
    answer = await other.ask(sequence=1, events=events(2, 4))
    assert (answer.inserted_count, answer.unchanged_count) == (1, 2)


async def test_a_bad_row_ends_the_call_and_nothing_of_its_chunk_is_stored(gateway: RunningGateway) -> None:
    talk, _ = await begun(gateway)
    await talk.ask(sequence=1, events=events(1, 3))
    bad = [*events(4, 5), {"id": 6, "amount": -1}]
    error = await refused(talk, sequence=2, events=bad)
    assert (error.reason, error.fields) == ("CHECK_VIOLATION", ["events[2].amount"])
    assert await stored(gateway) == once(3)
    talk, first = await begun(gateway)
    assert first.watermark == 1


async def test_bad_rows_are_told_and_told_again_to_whoever_comes_back(gateway: RunningGateway) -> None:
    talk, _ = await begun(gateway, partial_failure=True, outcomes=True)
    rows = [*events(1, 2), {"id": 3, "amount": -1}]
    answer = await talk.ask(sequence=1, events=rows)
    assert [failure.index for failure in answer.failures] == [2]
    assert (answer.inserted_count, answer.failed_count, len(answer.outcomes)) == (2, 1, 3)
    talk.call.cancel()
    _, first = await begun(gateway, partial_failure=True, outcomes=True)
    assert first == answer
    assert await stored(gateway) == once(2)


async def test_the_call_that_comes_last_has_the_stream(gateway: RunningGateway) -> None:
    earlier, _ = await begun(gateway)
    await earlier.ask(sequence=1, events=events(1, 2))
    later, first = await begun(gateway)
    assert first.watermark == 1
    error = await refused(earlier, sequence=2, events=events(3, 4))
    assert (error.code, error.reason) == (grpc.StatusCode.ABORTED, "STREAM_TAKEN_OVER")
    answer = await later.ask(sequence=2, events=events(3, 5))
    assert answer.inserted_count == 3
    assert await stored(gateway) == once(5)


async def test_whoever_comes_back_waits_for_the_chunk_under_way(gateway: RunningGateway) -> None:
    talk, _ = await begun(gateway)
    async with locked(gateway.dsn, "event") as connection:
        await talk.send(sequence=1, events=events(1, 2))
        await until_waiting(connection, 1)
        coming = asyncio.create_task(begun(gateway))
        await until_waiting(connection, 2)
    later, first = await coming
    assert first.watermark == 1
    assert (await anext(talk)).watermark == 1
    assert (await later.ask(sequence=2, events=events(3, 3))).inserted_count == 1
    assert await stored(gateway) == once(3)


async def test_a_chunk_whose_caller_goes_is_broken_off(gateway: RunningGateway) -> None:
    talk, _ = await begun(gateway)
    async with locked(gateway.dsn, "event") as connection:
        await talk.send(sequence=1, events=events(1, 2))
        await until_waiting(connection, 1)
        talk.call.cancel()
        await until_waiting(connection, 0)
    talk, first = await begun(gateway)
    assert first.watermark == 0
    await talk.ask(sequence=1, events=events(1, 2))
    assert await stored(gateway) == once(2)


async def test_a_client_is_held_back_while_the_database_is(gateway: RunningGateway) -> None:
    talk, _ = await begun(gateway)
    large = [{"id": number, "name": "x" * (MEBIBYTE // 4)} for number in range(4)]
    sent = 0

    async def send_on() -> None:
        nonlocal sent
        while sent < 200:
            await talk.send(sequence=sent + 1, events=large)
            sent += 1

    async with locked(gateway.dsn, "event") as connection:
        sending = asyncio.create_task(send_on())
        await until_waiting(connection, 1)
        done, _ = await asyncio.wait([sending], timeout=1.5)
        assert not done
        assert sent < 64, "MiB were taken in while nothing could be stored"
        sending.cancel()
        talk.call.cancel()


async def test_a_lost_connection_is_made_again(gateway: RunningGateway) -> None:
    talk, _ = await begun(gateway)
    for sequence in range(1, 6):
        await gateway.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        answer = await talk.ask(sequence=sequence, events=events(sequence, sequence))
        assert answer.watermark == sequence
    assert await stored(gateway) == once(5)


async def test_bytes_that_are_no_message_end_the_call(gateway: RunningGateway) -> None:
    talk, _ = await begun(gateway)
    await talk.call.write(b"\xff\xff")
    with pytest.raises(RpcFailed) as failed:
        await anext(talk)
    assert failed.value.reason == "REQUEST_MALFORMED"


async def test_a_chunk_past_the_limit_ends_the_call(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("flow", max_request_bytes=2000)
    talk, _ = await begun(gateway)
    error = await refused(talk, sequence=1, events=[{"id": 1, "name": "x" * 3000}])
    assert (error.code, error.reason) == (grpc.StatusCode.OUT_OF_RANGE, "REQUEST_TOO_LARGE")
    talk, _ = await begun(gateway)
    error = await refused(talk, sequence=1, events=[{"id": 1, "name": "x" * 5000}])
    assert error.code in {grpc.StatusCode.OUT_OF_RANGE, grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert await stored(gateway) == []


async def test_a_start_pays_for_no_clean_up(gateway: RunningGateway) -> None:
    await gateway.sql(
        "INSERT INTO rowgate.ingest (principal, method, stream_id, options_hash, owner, updated_at) "
        "SELECT 'p', 'm', i::text, '', gen_random_uuid(), now() - interval '8 days' "
        "FROM generate_series(1, 20) AS i"
    )
    await begun(gateway, "fresh")
    assert len(await gateway.sql("SELECT FROM rowgate.ingest")) == 21


async def test_a_secret_keeps_others_from_a_stream(gateway: RunningGateway) -> None:
    talk, _ = await begun(gateway, secret=OURS)
    await talk.ask(sequence=1, events=events(1, 2))
    for wrong in ("theirs", ""):
        error = await refused(gateway.client.converse(INGEST), start={"stream_id": "s", "secret": wrong})
        assert (error.code.name, error.reason) == ("PERMISSION_DENIED", "STREAM_SECRET_MISMATCH")
    assert (await talk.ask(sequence=2, events=events(3, 4))).watermark == 2, "nobody took it over"
    again, first = await begun(gateway, secret=OURS)
    assert first.watermark == 2
    assert (await refused(talk, sequence=3, events=events(5, 5))).reason == "STREAM_TAKEN_OVER"
    await again.ask(sequence=3, events=events(5, 6))
    assert await stored(gateway) == once(6)


async def test_a_stream_without_a_secret_gets_none_later(gateway: RunningGateway) -> None:
    await begun(gateway)
    error = await refused(gateway.client.converse(INGEST), start={"stream_id": "s", "secret": "late"})
    assert error.reason == "STREAM_SECRET_MISMATCH"


async def test_a_secret_is_not_stored_and_has_a_bound(gateway: RunningGateway) -> None:
    await begun(gateway, secret="x" * 1024)
    (record,) = await gateway.sql("SELECT secret_hash, ingest::text AS text FROM rowgate.ingest")
    assert len(record["secret_hash"]) == 32
    assert "xxxx" not in record["text"]
    error = await refused(gateway.client.converse(INGEST), start={"stream_id": "t", "secret": "x" * 1025})
    assert (error.reason, error.fields) == ("INVALID_STREAM_SECRET", ["start.secret"])
