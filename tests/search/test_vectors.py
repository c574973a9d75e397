"""Vectors: what is sent comes back, float by float, by every method that writes."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway
from tests.search.books import SIZES

FIND = "finds.v1.FindService"
FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)
VECTORS = st.fixed_dictionaries(
    {name: st.lists(FLOATS, min_size=size, max_size=size) for name, size in SIZES.items()}
)


class Served:
    """A gateway with a shelf. No dataclass: a property test prints its arguments' fields."""

    def __init__(self, gateway: RunningGateway) -> None:
        self.gateway = gateway
        self.number = 0


@pytest.fixture(scope="module")
async def shelf(module_gateway_for: GatewayFor) -> Served:
    gateway = await module_gateway_for("finds")
    await gateway.sql("INSERT INTO shelf VALUES (1, 'hall')")
    return Served(gateway)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(created=VECTORS, changed=VECTORS, upserted=st.lists(VECTORS, min_size=1, max_size=3))
async def test_what_is_sent_comes_back(shelf: Served, created: Any, changed: Any, upserted: Any) -> None:
    gateway = shelf.gateway
    shelf.number += 10
    book = {"shelf": 1, "id": shelf.number, "title": "One"}
    assert _same(await gateway.call(f"{FIND}/CreateBook", book={**book, **created}), created)
    assert _same(await gateway.call(f"{FIND}/UpdateBook", book={**book, **changed}), changed)
    rows = [{**book, "id": shelf.number + i, **vectors} for i, vectors in enumerate(upserted)]
    counts = await gateway.call(f"{FIND}/BulkUpsertBooks", books=rows)
    assert counts.inserted_count == len(rows) - 1
    for i, vectors in enumerate(upserted):
        assert _same(await gateway.call(f"{FIND}/GetBook", shelf=1, id=shelf.number + i), vectors)
    assert (await gateway.call(f"{FIND}/BulkUpsertBooks", books=rows)).updated_count == 0


def _same(book: Any, vectors: Any) -> bool:
    """Whether the vectors are these, by their bits: zeros have signs."""
    return all(repr([*getattr(book, name)]) == repr(sent) for name, sent in vectors.items())


@pytest.mark.parametrize(
    ("sent", "reason"), [([1.0, 2.0], "WRONG_DIMENSION"), ([1.0, 2.0, "NaN"], "NOT_FINITE")]
)
async def test_a_wrong_vector_is_refused_with_its_place(shelf: Served, sent: Any, reason: str) -> None:
    book = {"shelf": 1, "id": 1, "title": "One", "taste": sent, "place": [0, 0], "product": [0, 0, 0, 0]}
    for method, asked, path in (
        ("CreateBook", {"book": book}, "book.taste"),
        ("BulkUpsertBooks", {"books": [book]}, "books[0].taste"),
    ):
        with pytest.raises(RpcFailed) as failed:
            await shelf.gateway.call(f"{FIND}/{method}", asked)
        assert (failed.value.reason, failed.value.fields) == (reason, [path])
