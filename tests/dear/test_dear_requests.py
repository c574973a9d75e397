"""No request takes more than a bounded part of the memory, or of the event loop's time.

Here at an eighth of the usual limits, with room for a machine that does other things too; `make soak` holds
the catalogue to the limits themselves.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tests.dear.catalogue import CATALOGUE
from tests.dear.watched import MIB, Watched, watched
from tests.harness.databases import Databases

pytestmark = pytest.mark.alone

SIZE = 8 * MIB
ROOM = 64 * MIB
"""What 100,000 rows take whatever their size, and what Python keeps for later."""
SECONDS = 0.5
"""Of CPU at one go: five times the ceiling of `make soak`; it was up to 12 s."""


@pytest.fixture(scope="module", params=["http", "grpcio"])
async def servers(request: pytest.FixtureRequest, databases: Databases) -> AsyncIterator[dict[str, Watched]]:
    """Serve each schema of the catalogue."""
    limits = {"max_request_bytes": SIZE, "max_row_bytes": SIZE // 4}
    async with AsyncExitStack() as stack:
        yield {
            schema: await stack.enter_async_context(watched(schema, databases, request.param, **limits))
            for schema in ("books", "types")
        }


@pytest.mark.parametrize("name", CATALOGUE)
async def test_a_dear_request_takes_little_of_memory_and_of_the_loops_time(
    servers: dict[str, Watched], name: str
) -> None:
    dear = CATALOGUE[name]
    cost = await servers[dear.schema].cost(dear, SIZE - 1000)
    assert cost.answer in dear.answers
    assert cost.memory < 4 * SIZE + ROOM
    assert cost.hold < SECONDS
