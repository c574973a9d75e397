"""Handlers over both transports: what they are told, what they reach, and how they end."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from tests.handlers.conftest import Kiosk
from tests.harness.client import RpcFailed
from tests.harness.polling import next_poll
from tests.harness.transports import TRANSPORTS

BUY_ALL = "kiosk.v1.KioskService/BuyAll"
ACT, BUY = "kiosk.v1.KioskService/Act", "kiosk.v1.KioskService/Buy"


@pytest.fixture(scope="module", params=TRANSPORTS)
def transport(request: pytest.FixtureRequest) -> str:
    """Each of them: calls that end before their time are ended by the transport."""
    return str(request.param)


async def connections(kiosk: Kiosk) -> int:
    """Return how many connections of the gateway are in a transaction."""
    rows = await kiosk.gateway.sql(
        "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() "
        "AND application_name = 'rowgate' AND state <> 'idle'"
    )
    return int(rows[0]["n"])


async def test_a_handler_is_told_of_its_call(kiosk: Kiosk) -> None:
    client = kiosk.clients["kay"]
    request, answer = (
        client.message("kiosk.v1.ActRequest", what="tell"),
        client.message("kiosk.v1.ActResponse"),
    )
    sent = (
        *(("x-color", "red"), ("rowgate-consistency", "strong")),
        ("authorization", f"Bearer {kiosk.keys['kay']}"),
    )
    answer.ParseFromString(
        await client.raw(client.channel.unary_unary(f"/{ACT}"), request.SerializeToString(), 20, sent)
    )
    assert list(answer.told) == [
        *("kay", "authenticated", "keeper", "True", "red", "strong", "False"),
        "kiosk.v1.KioskService.Act",
    ]


async def test_a_handler_adds_a_method(kiosk: Kiosk) -> None:
    bought = await kiosk.clients["ann"].call(BUY, sku="cola", count=3)
    assert (bought.buyer, bought.count, bought.bought_at.seconds > 0) == ("ann", 3, True)
    assert await kiosk.stock() == 7
    assert await kiosk.purchases() == [("ann", "cola", 3)]


async def test_an_error_that_is_raised_by_name_is_a_status(kiosk: Kiosk) -> None:
    error = await kiosk.refused("ann", "KioskService/Buy", {"sku": "cola", "count": 11})
    assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "SOLD_OUT")
    assert dict(error.metadata)["left"] == "10"
    error = await kiosk.refused("ann", "KioskService/Buy", {"sku": "fanta", "count": 1})
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "ROW_NOT_FOUND")
    assert await kiosk.purchases() == []


async def test_requests_are_held_to_their_rules(kiosk: Kiosk) -> None:
    error = await kiosk.refused("ann", "KioskService/Buy", {"sku": "cola", "count": 0})
    assert (error.reason, error.fields) == ("RULE_VIOLATION", ["count"])


async def test_an_exception_that_nobody_foresaw_tells_nothing(
    kiosk: Kiosk, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        error = await kiosk.refused("ann", "KioskService/Act", {"what": "fail", "name": "cola"})
    assert (error.code, error.message) == (grpc.StatusCode.INTERNAL, "internal error")
    assert kiosk.app.INSIDE not in str(error.status)
    told = next(record for record in caplog.records if record.exc_info)
    assert "app.py" in (told.exc_text or caplog.text)
    assert kiosk.app.INSIDE in caplog.text
    assert await kiosk.purchases() == []  # its transaction is undone


async def test_what_is_cancelled_within_a_handler_isnt_its_call(
    kiosk: Kiosk, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        error = await kiosk.refused("ann", "KioskService/Act", {"what": "cancel", "name": "cola"})
    assert (error.code, error.message) == (grpc.StatusCode.INTERNAL, "internal error")
    assert kiosk.app.INSIDE in caplog.text  # with where it was
    cancel = step("KioskService/Act", {"what": "cancel", "name": "cola"})
    error = await kiosk.refused("ann", "KioskService/Transact", {"steps": [cancel]})
    assert (error.code, error.metadata["step"]) == (grpc.StatusCode.INTERNAL, "0")


async def test_a_step_of_which_nobody_foresaw_the_exception_is_named(
    kiosk: Kiosk, caplog: pytest.LogCaptureFixture
) -> None:
    fail = step("KioskService/Act", {"what": "fail", "name": "cola"})
    with caplog.at_level(logging.ERROR):
        error = await kiosk.refused("ann", "KioskService/Transact", {"steps": [fail]})
    assert (error.code, error.metadata["step"]) == (grpc.StatusCode.INTERNAL, "0")
    assert error.metadata["step_method"] == "kiosk.v1.KioskService.Act"
    assert kiosk.app.INSIDE not in str(error.status)
    assert kiosk.app.INSIDE in caplog.text


async def test_a_session_answers_such_a_step_with_its_error_and_goes_on(kiosk: Kiosk) -> None:
    session = kiosk.clients["ann"].converse("kiosk.v1.KioskService/Session")
    await session.ask(begin={})
    await session.ask(savepoint="before")
    answer = await session.ask(step=step("KioskService/Act", {"what": "fail", "name": "cola"}))
    assert (answer.error.code, answer.error.message) == (13, "internal error")
    await session.ask(rollbackTo="before")
    await session.ask(step=step("KioskService/Buy", {"sku": "cola", "count": 1}))
    await session.ask(end="SESSION_END_COMMIT")
    assert await session.end() == []
    assert await kiosk.purchases() == [("ann", "cola", 1)]


@pytest.mark.parametrize("what", ["unknown", "wrong", "none", "leak"])
async def test_a_mistake_of_a_handler_is_internal(kiosk: Kiosk, what: str) -> None:
    error = await kiosk.refused("ann", "KioskService/Act", {"what": what, "name": "cola"})
    code = grpc.StatusCode.INVALID_ARGUMENT if what == "wrong" else grpc.StatusCode.INTERNAL
    assert error.code is code
    assert await kiosk.purchases() == []


async def test_a_handler_acts_as_its_caller(kiosk: Kiosk) -> None:
    (ann,) = [(await kiosk.clients["ann"].call(BUY, sku="cola", count=1)).id]
    await kiosk.gateway.sql("UPDATE purchase SET note = 'good'")
    assert await kiosk.act("ann", "get", str(ann)) == ["ann", ""]
    error = await kiosk.refused("bob", "KioskService/Act", {"what": "get", "name": str(ann)})
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "ROW_NOT_FOUND")
    assert await kiosk.act("bob", "get_all", str(ann)) == ["ann", "good"]
    assert await kiosk.act("bob", "count") == ["0", "1"]
    error = await kiosk.refused("ann", "KioskService/Act", {"what": "restock", "name": "cola"})
    assert (error.code, error.reason) == (grpc.StatusCode.PERMISSION_DENIED, "CALL_NOT_ALLOWED")
    await kiosk.act("kay", "restock", "cola")
    assert await kiosk.stock() == 99


async def test_handlers_may_be_called_by_whom_they_are_allowed_to(kiosk: Kiosk) -> None:
    error = await kiosk.refused("ann", "KioskService/Hide", {})
    assert (error.code, error.reason) == (grpc.StatusCode.PERMISSION_DENIED, "CALL_NOT_ALLOWED")
    await kiosk.clients["kay"].call("kiosk.v1.KioskService/Hide")
    with pytest.raises(RpcFailed) as failed:
        await kiosk.gateway.call(ACT, what="tell")
    assert failed.value.code is grpc.StatusCode.PERMISSION_DENIED


async def test_what_a_handler_writes_is_audited_as_its_callers(kiosk: Kiosk) -> None:
    await kiosk.clients["ann"].call(BUY, sku="cola", count=1)
    (row,) = await kiosk.gateway.sql("SELECT * FROM rowgate.audit")
    assert (row["method"], row["principal_id"]) == ("kiosk.v1.PurchaseService/CreatePurchase", "ann")


async def test_a_part_of_a_transaction_is_undone_by_itself(kiosk: Kiosk) -> None:
    await kiosk.act("ann", "partly", "cola")
    assert await kiosk.purchases() == [("ann", "cola", 1)]
    error = await kiosk.refused("ann", "KioskService/Act", {"what": "refuse", "name": "cola"})
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "NO_SUCH_THING")
    assert len(await kiosk.purchases()) == 1


async def test_a_transaction_is_tried_again_within_the_deadline(kiosk: Kiosk) -> None:
    assert await kiosk.act("ann", "again", "cola") == ["2", "21"]
    assert await kiosk.stock() == 21


async def test_calls_at_once_take_turns_in_a_transaction(kiosk: Kiosk) -> None:
    assert await kiosk.act("ann", "together", "cola") == ["5"]
    assert len(await kiosk.purchases()) == 10


async def test_parts_of_a_transaction_come_one_after_the_other(kiosk: Kiosk) -> None:
    assert await kiosk.act("ann", "parts", "cola") == ["KeyError(1)", "KeyError(3)", "KeyError(5)"]
    assert len(await kiosk.purchases()) == 6


@pytest.mark.parametrize("is_step", [False, True])
async def test_what_a_call_leaves_behind_does_nothing_more_for_its_caller(
    kiosk: Kiosk, *, is_step: bool
) -> None:
    if is_step:
        act = step("KioskService/Act", {"what": "leave"})
        await kiosk.clients["ann"].call("kiosk.v1.KioskService/Transact", {"steps": [act]})
    else:
        await kiosk.act("ann", "leave")
    kiosk.app.gone.set()
    async with asyncio.timeout(10):
        await asyncio.gather(*kiosk.app.left)
    assert kiosk.app.ended == ["the call has ended"]
    assert await kiosk.purchases() == []


async def test_a_client_that_leaves_ends_its_handler(kiosk: Kiosk) -> None:
    calling = asyncio.create_task(kiosk.act("ann", "wait", "cola"))
    async with asyncio.timeout(10):
        await kiosk.app.waiting.wait()
    calling.cancel()
    await _ended(kiosk, "cancelled")
    await _whole_again(kiosk)


async def test_a_deadline_ends_a_handler(kiosk: Kiosk) -> None:
    error = await kiosk.refused("ann", "KioskService/Act", {"what": "wait", "name": "cola"}, timeout=0.3)
    assert error.code is grpc.StatusCode.DEADLINE_EXCEEDED
    await _ended(kiosk, "cancelled")
    await _whole_again(kiosk)


async def _ended(kiosk: Kiosk, what: str) -> None:
    """Wait until a handler has been ended."""
    async with asyncio.timeout(10):
        while what not in kiosk.app.ended:
            await next_poll()


async def _whole_again(kiosk: Kiosk) -> None:
    """Check that nothing was written, and that no connection is left in a transaction."""
    while await connections(kiosk):
        await next_poll()
    assert await kiosk.purchases() == []
    await asyncio.gather(*(kiosk.act("ann", "count") for _ in range(8)))  # twice the pool


async def test_a_handler_streams(kiosk: Kiosk) -> None:
    watched = [
        list(one.told)
        async for one in kiosk.clients["ann"].stream("kiosk.v1.KioskService/Watch", what="3", name="cola")
    ]
    assert watched == [["0", "10"], ["1", "10"], ["2", "10"]]


async def test_a_stream_ends_with_its_client(kiosk: Kiosk) -> None:
    responses = kiosk.clients["ann"].stream("kiosk.v1.KioskService/Watch", what="ever", name="cola")
    await anext(responses)
    responses.call.cancel()
    await _ended(kiosk, "watch")


async def test_a_handler_converses(kiosk: Kiosk) -> None:
    chat = kiosk.clients["bob"].converse("kiosk.v1.KioskService/Chat")
    assert list((await chat.ask(what="hi")).told) == ["hi", "bob"]
    with pytest.raises(RpcFailed) as failed:
        await chat.ask(what="fail")
    assert (failed.value.code, failed.value.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "NOT_SAID")
    assert failed.value.fields == ["what"]


COLA = {"sku": "cola", "count": 1}


async def test_a_handler_reads_a_stream_and_answers_once(kiosk: Kiosk) -> None:
    asked = [{"sku": "cola", "count": n} for n in (1, 2, 3)]
    assert list((await kiosk.clients["ann"].gather(BUY_ALL, asked)).told) == ["1", "2", "3"]
    assert await kiosk.purchases() == [("ann", "cola", 1), ("ann", "cola", 2), ("ann", "cola", 3)]
    assert list((await kiosk.clients["ann"].gather(BUY_ALL, [])).told) == []


async def test_a_handler_may_answer_before_its_stream_ends(kiosk: Kiosk) -> None:
    enough = {"sku": "enough", "count": 1}
    assert list((await kiosk.clients["ann"].gather(BUY_ALL, [COLA, enough, *[COLA] * 250])).told) == ["1"]
    assert await kiosk.purchases() == [("ann", "cola", 1)]


@pytest.mark.parametrize(
    ("asked", "code", "reason"),
    [
        ([COLA, {"sku": "cola", "count": 0}], grpc.StatusCode.INVALID_ARGUMENT, "RULE_VIOLATION"),
        ([COLA] * 301, grpc.StatusCode.OUT_OF_RANGE, "TOO_MANY_MESSAGES"),
        ([COLA, {"sku": "c" * 2_000_000, "count": 1}], grpc.StatusCode.OUT_OF_RANGE, "REQUEST_TOO_LARGE"),
        ([COLA, {"sku": "fanta", "count": 1}], grpc.StatusCode.FAILED_PRECONDITION, "FOREIGN_KEY_VIOLATION"),
    ],
)
async def test_a_wrong_request_of_a_stream_ends_it(
    kiosk: Kiosk, asked: list[dict[str, Any]], code: grpc.StatusCode, reason: str
) -> None:
    """Whatever came before it is undone, as it is one transaction."""
    with pytest.raises(RpcFailed) as failed:
        await kiosk.clients["ann"].gather(BUY_ALL, asked)
    assert (failed.value.code, failed.value.reason) == (code, reason)
    assert await kiosk.purchases() == []


async def test_both_sides_of_a_conversation_have_their_limits(kiosk: Kiosk) -> None:
    chat = kiosk.clients["bob"].converse("kiosk.v1.KioskService/Chat")
    for _ in range(300):
        await chat.ask(what="hi")
    with pytest.raises(RpcFailed) as failed:
        await chat.ask(what="hi")
    assert (failed.value.reason, failed.value.metadata["limit"]) == ("TOO_MANY_MESSAGES", "300")


async def test_a_deadline_ends_a_handler_that_waits_for_its_stream(kiosk: Kiosk) -> None:
    with pytest.raises(RpcFailed) as failed:
        await kiosk.clients["ann"].gather(BUY_ALL, [{"sku": "wait", "count": 1}], seconds=0.5)
    assert failed.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
    await _ended(kiosk, "read")
    await _whole_again(kiosk)


async def test_a_client_that_leaves_its_stream_ends_the_handler(kiosk: Kiosk) -> None:
    calling = asyncio.create_task(
        kiosk.clients["ann"].gather(BUY_ALL, [COLA, {"sku": "wait", "count": 1}, COLA])
    )
    async with asyncio.timeout(10):
        await kiosk.app.waiting.wait()
    calling.cancel()
    await _ended(kiosk, "read")
    await _whole_again(kiosk)


async def test_a_client_sends_no_faster_than_its_handler_reads(kiosk: Kiosk) -> None:
    """What isn't read yet waits with the client, but for what connections have room for."""
    client, size, count = kiosk.clients["ann"], 500_000, 200
    message = "kiosk.v1.BuyRequest"
    first = client.message(message, sku="wait", count=1).SerializeToString()
    large = client.message(message, sku="c" * size, count=1).SerializeToString()
    sent = 0

    async def requests() -> AsyncIterator[bytes]:
        nonlocal sent
        yield first
        while sent < count:
            sent += 1
            yield large

    metadata = (("authorization", f"Bearer {kiosk.keys['ann']}"),)
    call = client.channel.stream_unary(f"/{BUY_ALL}")(requests(), metadata=metadata, timeout=30)
    async with asyncio.timeout(10):
        await kiosk.app.waiting.wait()
        before = -1
        while sent != before:
            before = sent
            for _ in range(20):
                await next_poll()
    assert before < count / 2
    kiosk.app.gone.set()
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await call
    assert failed.value.code() is not grpc.StatusCode.DEADLINE_EXCEEDED


async def test_a_handler_waits_for_what_is_said_as_long_as_it_likes(kiosk: Kiosk) -> None:
    chat = kiosk.clients["bob"].converse("kiosk.v1.KioskService/Chat")
    assert list((await chat.ask(what="hurry")).told) == ["nothing came"]


async def test_a_handler_replaces_a_standard_method(kiosk: Kiosk) -> None:
    bought = await kiosk.clients["ann"].call(BUY, sku="cola", count=1)
    got = await kiosk.clients["ann"].call("kiosk.v1.PurchaseService/GetPurchase", id=bought.id)
    assert (got.sku, bought.sku) == ("COLA", "cola")
    error = await kiosk.refused("bob", "PurchaseService/GetPurchase", {"id": bought.id})
    assert error.reason == "ROW_NOT_FOUND"


def step(method: str, request: dict[str, Any]) -> dict[str, Any]:
    """Return a step that calls a method."""
    name = method.rpartition("/")[2]
    packed = {"@type": f"type.googleapis.com/kiosk.v1.{name}Request", **request}
    return {"method": f"kiosk.v1.{method}", "request": packed}


async def test_handlers_are_steps_of_transactions(kiosk: Kiosk) -> None:
    client = kiosk.clients["ann"]
    steps = [
        step("KioskService/Buy", {"sku": "cola", "count": 4}),
        step("KioskService/Buy", {"sku": "cola", "count": 6}),
    ]
    await client.call("kiosk.v1.KioskService/Transact", {"steps": steps})
    assert await kiosk.stock() == 0
    error = await kiosk.refused(
        "ann",
        "KioskService/Transact",
        {"steps": [step("ArticleService/CreateArticle", {"article": {"sku": "fanta"}}), *steps]},
    )
    assert (error.reason, error.metadata["step"]) == ("SOLD_OUT", "1")
    assert len(await kiosk.purchases()) == 2
    assert await kiosk.gateway.sql("SELECT sku FROM article") == [{"sku": "cola"}]
