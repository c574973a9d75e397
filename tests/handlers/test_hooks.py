"""Hooks before and behind standard methods."""

from typing import Any
from uuid import uuid4

import grpc
import pytest

from tests.handlers.conftest import Kiosk
from tests.handlers.test_handlers import step

CREATE = "kiosk.v1.PurchaseService/CreatePurchase"


async def buy(kiosk: Kiosk, count: int = 1, sku: str = "cola", note: str = "", **fields: Any) -> Any:
    """Buy as ann."""
    purchase = {"sku": sku, "count": count, **({"note": note} if note else {})}
    return await kiosk.clients["ann"].call(CREATE, {"purchase": purchase, **fields})


async def test_a_hook_before_may_refuse(kiosk: Kiosk) -> None:
    error = await kiosk.refused(
        "ann", "PurchaseService/CreatePurchase", {"purchase": {"sku": "cola", "count": 13}}
    )
    assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "UNLUCKY")
    assert (await kiosk.purchases(), await kiosk.stock()) == ([], 10)


async def test_a_hook_before_may_change_the_request_or_give_another(kiosk: Kiosk) -> None:
    assert (await buy(kiosk, 0)).count == 1
    assert (await buy(kiosk, 5, "another")).sku == "cola"
    assert await kiosk.purchases() == [("ann", "cola", 1), ("ann", "cola", 1)]


async def test_what_hooks_change_is_held_to_rules_and_rights(kiosk: Kiosk) -> None:
    error = await kiosk.refused(
        "ann", "PurchaseService/CreatePurchase", {"purchase": {"sku": "cola", "count": 1001}}
    )
    assert error.reason == "RULE_VIOLATION"
    error = await kiosk.refused(
        "ann", "PurchaseService/CreatePurchase", {"purchase": {"sku": "cola", "note": "x"}}
    )
    assert error.code is grpc.StatusCode.PERMISSION_DENIED


async def test_a_hook_behind_a_write_is_part_of_it(kiosk: Kiosk) -> None:
    bought = await buy(kiosk, 3)
    assert (bought.buyer, await kiosk.stock()) == ("ann", 7)
    for count, code in ((6, grpc.StatusCode.INTERNAL), (8, grpc.StatusCode.INVALID_ARGUMENT)):
        request = {"purchase": {"sku": "cola", "count": count}}
        error = await kiosk.refused("ann", "PurchaseService/CreatePurchase", request)
        assert error.code is code, error
        assert kiosk.app.INSIDE not in str(error.status)
    assert (await kiosk.purchases(), await kiosk.stock()) == ([("ann", "cola", 3)], 7)


async def test_a_request_id_is_carried_out_once_with_its_hooks(kiosk: Kiosk) -> None:
    name = str(uuid4())
    first, second = await buy(kiosk, 3, requestId=name), await buy(kiosk, 3, requestId=name)
    assert first.id == second.id
    assert (await kiosk.purchases(), await kiosk.stock()) == ([("ann", "cola", 3)], 7)
    rows = await kiosk.gateway.sql("SELECT idempotency_key::text AS name FROM rowgate.audit")
    assert rows == [{"name": name}]


async def test_validate_only_undoes_what_hooks_do(kiosk: Kiosk) -> None:
    assert (await buy(kiosk, 3, validateOnly=True)).count == 3
    assert (await kiosk.purchases(), await kiosk.stock()) == ([], 10)


async def test_validate_only_and_request_id_are_as_a_hook_before_leaves_them(kiosk: Kiosk) -> None:
    tried = {"sku": "cola", "count": 3, "note": kiosk.app.TRIED}
    assert (await buy(kiosk, **tried)).count == 3
    assert (await kiosk.purchases(), await kiosk.stock()) == ([], 10)
    await buy(kiosk, **tried, validateOnly=True)
    assert (len(await kiosk.purchases()), await kiosk.stock()) == (1, 7)
    named = {"sku": "cola", "count": 2, "note": kiosk.app.NAMED}
    first, second = await buy(kiosk, **named), await buy(kiosk, **named)
    assert first.id == second.id
    assert (len(await kiosk.purchases()), await kiosk.stock()) == (2, 5)


async def test_what_would_be_deleted_is_shown_behind_hooks_as_without(kiosk: Kiosk) -> None:
    await buy(kiosk, 3)
    request = {"filter": "*", "maxRows": 5}
    delete = "kiosk.v1.PurchaseService/DeletePurchasesByFilter"
    shown = await kiosk.clients["ann"].call(delete, {**request, "validateOnly": True})
    assert (shown.count, [one.count for one in shown.sample]) == (1, [3])
    assert (len(await kiosk.purchases()), await kiosk.stock()) == (1, 7)
    assert (await kiosk.clients["ann"].call(delete, request)).count == 1
    assert (await kiosk.purchases(), await kiosk.stock()) == ([], 8)


async def test_hooks_see_the_steps_of_transactions(kiosk: Kiosk) -> None:
    purchase = step("PurchaseService/CreatePurchase", {"purchase": {"sku": "cola", "count": 2}})
    await kiosk.clients["ann"].call("kiosk.v1.KioskService/Transact", {"steps": [purchase, purchase]})
    assert (len(await kiosk.purchases()), await kiosk.stock()) == (2, 6)
    unlucky = step("PurchaseService/CreatePurchase", {"purchase": {"sku": "cola", "count": 13}})
    error = await kiosk.refused("ann", "KioskService/Transact", {"steps": [purchase, unlucky]})
    assert (error.reason, error.metadata["step"]) == ("UNLUCKY", "1")
    assert (len(await kiosk.purchases()), await kiosk.stock()) == (2, 6)


async def test_a_hook_behind_a_read_sees_its_response(kiosk: Kiosk) -> None:
    listed = await kiosk.clients["ann"].call("kiosk.v1.ArticleService/ListArticles")
    assert [one.sku for one in listed.articles] == ["cola"]
    assert kiosk.app.ended == ["1 articles"]


@pytest.mark.parametrize(("caller", "rows"), [("ann", None), ("kay", ["cola"])])
async def test_a_hook_before_a_stream_may_refuse(kiosk: Kiosk, caller: str, rows: list[str] | None) -> None:
    chunks = kiosk.clients[caller].stream("kiosk.v1.ArticleService/StreamArticles")
    if rows is None:
        with pytest.raises(Exception, match="not for you"):
            await anext(chunks)
    else:
        assert [one.sku async for chunk in chunks for one in chunk.articles] == rows
