"""The example of handlers: its orders are taken out of the stock, once each."""

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest

from gateway.schema.protos.sources import compile_protos
from gateway.schema.read import read_schema
from gateway.schema.tables.metadata import build_tables
from tests.handlers.generated import generate
from tests.harness.client import Client, RpcFailed
from tests.harness.databases import Databases
from tests.harness.gateway import client_of
from tests.harness.sample import ROOT

EXAMPLE = ROOT / "examples" / "handlers"


@pytest.fixture(scope="module")
async def shop(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory, transport: str
) -> AsyncIterator[Client]:
    """Serve the example."""
    descriptors = compile_protos(EXAMPLE / "protos")
    generated = tmp_path_factory.mktemp("example")
    generate(descriptors, generated)
    dsn = await databases.copy_of("shop", build_tables(read_schema(descriptors)).metadata)
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(generated)
        handlers = str(EXAMPLE / "app.py")
        async with client_of(descriptors, dsn, transport=transport, handlers=handlers) as client:
            product = {"sku": "A1", "price_cents": 9900, "stock": 10}
            await client.call("shop.v1.ProductService/CreateProduct", {"product": product})
            yield client


async def place(shop: Client, count: int) -> str:
    """Order; return what became of it."""
    try:
        order = await shop.call("shop.v1.OrderService/PlaceOrder", sku="A1", count=count)
    except RpcFailed as failed:
        return failed.reason
    return str(order.total_cents)


async def test_ten_of_twelve_are_sold(shop: Client) -> None:
    told = await asyncio.gather(*(place(shop, 1) for _ in range(12)))
    assert sorted(told) == [*["9900"] * 10, *["SOLD_OUT"] * 2]
    assert (await shop.call("shop.v1.ProductService/GetProduct", sku="A1")).stock == 0
    assert (await shop.call("shop.v1.OrderService/GetOrder", id=1)).count == 1


async def test_products_are_ranked_and_restocked(shop: Client) -> None:
    ranked = await shop.call("shop.v1.OrderService/RankProducts")
    assert list(ranked.skus) == ["A1"]
    for skus in (["A1"], []):
        restocked = await shop.call("shop.v1.ProductService/RestockProducts", stock=3)
        assert list(restocked.skus) == skus
    assert (await shop.call("shop.v1.ProductService/GetProduct", sku="A1")).stock == 3


async def test_what_is_wrong_is_refused(shop: Client) -> None:
    assert await place(shop, 0) == "NOTHING_ORDERED"
    with pytest.raises(RpcFailed) as failed:
        await shop.call(
            "shop.v1.ProductService/UpdateProduct", {"product": {"sku": "A1"}, "updateMask": "priceCents"}
        )
    assert failed.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert (failed.value.reason, failed.value.fields) == ("NO_PRICE", ["product.price_cents"])
