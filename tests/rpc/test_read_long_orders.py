"""Pages and streams go on after rows whose values of the order are longer than a token may be."""

import random
import string
from typing import Any

import pytest

from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway

MODERNS = "values.v1.ModernService"
WORDS = "values.v1.WordService/ListWords"
LONGEST_TOKEN = 70_000


def _text(seed: int, size: int) -> str:
    return "".join(random.Random(seed).choices(string.ascii_letters + "äöüßé", k=size))  # noqa: S311 - a seed


@pytest.fixture
async def gateway(gateway_for: GatewayFor) -> RunningGateway:
    """Return a gateway with rows of long texts and short ones, and of none, some of them alike."""
    gateway = await gateway_for("values")
    sizes = [10_000, 100_000, 3, 60_000, 50_000]
    texts = [_text(seed, size) for seed, size in enumerate(sizes)]
    rows: list[dict[str, Any]] = [{"id": i, "text": texts[i % len(texts)]} for i in range(15)]
    await gateway.call(f"{MODERNS}/BulkUpsertModerns", moderns=[*rows, {"id": 15}, {"id": 16}])
    return gateway


async def _in_order(gateway: RunningGateway, order: str) -> list[int]:
    return [row["id"] for row in await gateway.sql(f"SELECT id FROM modern ORDER BY {order}")]  # noqa: S608 - ours


@pytest.mark.parametrize("order", ["text", "text desc", "text, ratio desc", "plain, text desc"])
@pytest.mark.parametrize("size", [1, 4])
async def test_pages_of_long_values_hold_every_row_once(
    gateway: RunningGateway, order: str, size: int
) -> None:
    token, found = "", []
    for _ in range(20):
        asked = {"order_by": order, "page_size": size, "page_token": token, "read_mask": "id"}
        page = await gateway.call(f"{MODERNS}/ListModerns", asked)
        found += [row.id for row in page.moderns]
        token = page.next_page_token
        assert len(token) < LONGEST_TOKEN
        if not token:
            break
    direction = " desc" if order.endswith("desc") else ""
    assert found == await _in_order(gateway, f"{order}, id{direction}")


async def test_a_stream_goes_on_after_any_row(gateway: RunningGateway) -> None:
    whole = await _in_order(gateway, "text, id")
    asked = {"order_by": "text", "read_mask": "id,text"}
    chunks = [chunk async for chunk in gateway.client.stream(f"{MODERNS}/StreamModerns", asked)]
    assert len(chunks) > 1
    seen = 0
    for chunk in chunks:
        seen += len(chunk.moderns)
        again = gateway.client.stream(
            f"{MODERNS}/StreamModerns", {**asked, "resume_token": chunk.resume_token}
        )
        assert [row.id async for part in again for row in part.moderns] == whole[seen:]


@pytest.mark.parametrize(
    "change", ["DELETE FROM modern WHERE id = $1", "UPDATE modern SET text = text || 'x' WHERE id = $1"]
)
async def test_a_long_row_that_left_its_place_ends_the_paging_with_the_reason(
    gateway: RunningGateway, change: str
) -> None:
    asked = {"order_by": "text desc", "page_size": 3, "read_mask": "id"}
    page = await gateway.call(f"{MODERNS}/ListModerns", asked)
    longer = {**asked, "page_size": 1}
    while len((await _text_of(gateway, page.moderns[-1].id)) or "") < 100_000:
        page = await gateway.call(f"{MODERNS}/ListModerns", {**longer, "page_token": page.next_page_token})
    await gateway.sql(change, page.moderns[-1].id)
    with pytest.raises(RpcFailed) as caught:
        await gateway.call(f"{MODERNS}/ListModerns", {**asked, "page_token": page.next_page_token})
    assert (caught.value.reason, caught.value.fields) == ("PAGE_TOKEN_OUTDATED", ["page_token"])


async def _text_of(gateway: RunningGateway, key: int) -> str | None:
    (row,) = await gateway.sql("SELECT text FROM modern WHERE id = $1", key)
    text: str | None = row["text"]
    return text


async def test_a_key_may_be_as_long_as_an_index_takes(gateway: RunningGateway) -> None:
    words = sorted(letter * size for letter in "aé" for size in (100_000, 5))
    await gateway.sql("INSERT INTO word (word) SELECT unnest($1::text[])", words)
    token, found = "", []
    for _ in words:
        page = await gateway.call(WORDS, page_size=1, page_token=token)
        found += [row.word for row in page.words]
        token = page.next_page_token
    assert sorted(found) == words
    assert token == ""
