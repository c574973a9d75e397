"""Times relative to the request: the pages of one list, and the parts of one stream, have one `now`."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.request.filter.spans import in_seconds, micros_of
from gateway.schema.values import InvalidValueError
from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway
from tests.rpc.readside import insert

LIST, STREAM = "types.v1.ScalarService/ListScalars", "types.v1.ScalarService/StreamScalars"


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("7d", 7 * 86_400_000_000),
        ("1h30m", 5_400_000_000),
        ("-1.5s", -1_500_000),
        ("2w", 14 * 86_400_000_000),
        ("250ms", 250_000),
        ("0.000001s", 1),
    ],
)
def test_a_span_is_exact(text: str, micros: int) -> None:
    assert micros_of(text) == micros
    assert in_seconds(text).endswith("s")


@pytest.mark.parametrize("text", ["", "7", "d", "7 d", "7y", "0.0000001s", "1e3s", "٣s", "1h-1m"])
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError):
        micros_of(text)


async def store(gateway: RunningGateway, ids: list[int], at: datetime) -> None:
    resource = gateway.schema.resources["types.v1.Scalar"]
    await insert(gateway, resource, [{"id": i, "at": at.isoformat()} for i in ids])


async def test_pages_have_the_now_of_the_first(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("types")
    now = datetime.now(UTC)
    await store(gateway, [1, 2, 3], now - timedelta(hours=1))
    page = await gateway.call(LIST, filter="at < now()", page_size=1)
    assert [row.id for row in page.scalars] == [1]
    # It is there now, and wasn't when the first page was asked for.
    await store(gateway, [4], datetime.now(UTC))
    found = []
    for _ in range(3):
        page = await gateway.call(LIST, filter="at < now()", page_size=1, page_token=page.next_page_token)
        found += [row.id for row in page.scalars]
        if not page.next_page_token:
            break
    assert found == [2, 3]
    assert len((await gateway.call(LIST, filter="at < now()")).scalars) == 4


async def test_a_token_is_of_its_filter(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("types")
    await store(gateway, [1, 2, 3], datetime.now(UTC) - timedelta(hours=1))
    token = (await gateway.call(LIST, filter="at > ago(2h)", page_size=1)).next_page_token
    for other in ("at > ago(3h)", "at < now()", "", "at > 2000-01-01T00:00:00Z"):
        with pytest.raises(RpcFailed) as refused:
            await gateway.call(LIST, filter=other, page_size=1, page_token=token)
        assert refused.value.reason == "PAGE_TOKEN_MISMATCH"


async def test_a_stream_goes_on_with_the_now_that_it_began_with(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("types", stream_chunk_bytes=1024)
    await store(gateway, list(range(1, 101)), datetime.now(UTC) - timedelta(hours=1))
    chunks = [chunk async for chunk in gateway.client.stream(STREAM, filter="at < now()")]
    await store(gateway, [1000], datetime.now(UTC))
    token = chunks[0].resume_token
    rest = gateway.client.stream(STREAM, filter="at < now()", resume_token=token)
    ids, _, error = await rest.take("scalars")
    assert error is None
    assert ids == [row.id for chunk in chunks[1:] for row in chunk.scalars]
