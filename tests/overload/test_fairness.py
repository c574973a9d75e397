"""Beside one that takes all it can, others are served as if alone."""

from pathlib import Path

import pytest

from tests.overload.conftest import StartBusy
from tests.overload.neighbours import BESIDE, POOL, PRINCIPAL, Keys, alone_and_beside

pytestmark = pytest.mark.alone

SECONDS = 3.0
FACTOR = 5.0
LEAST_SECONDS = 0.4
"""Latencies below this say more of the machine than of the gateway: it makes the load, too.
The crowd's own calls wait for 5 s; how many pass others is counted in test_turns.py of
tests/transport/wire/http2, and tests/soak/fairness.py has the hundredth that waits longest."""


@pytest.mark.parametrize("transport", ["http", "grpcio"])
@pytest.mark.parametrize("beside", BESIDE)
async def test_a_client_of_a_few_calls_a_second_loses_none(
    start_busy: StartBusy, transport: str, beside: str
) -> None:
    gateway = await start_busy(transport=transport, pool_size=POOL)
    for method, (alone, crowded) in (await alone_and_beside(gateway, beside, SECONDS)).items():
        assert crowded.codes == {"OK": len(crowded.calls)}, (method, crowded.messages)
        assert crowded.latency(0.9) <= FACTOR * max(alone.latency(0.9), LEAST_SECONDS), method


async def test_a_principal_with_many_connections_takes_no_more_than_one_client(
    start_busy: StartBusy, tmp_path: Path
) -> None:
    """Both ask for rows of one table, which have their time by PostgreSQL's clock."""
    file = tmp_path / "keys.json"
    keys = Keys.of(file)
    known = {"auth_providers": "api_key", "auth_api_keys": file}
    gateway = await start_busy(transport="http", pool_size=POOL, **known)
    for method, (alone, crowded) in (await alone_and_beside(gateway, PRINCIPAL, SECONDS, keys)).items():
        assert crowded.codes == {"OK": len(crowded.calls)}, (method, crowded.messages)
        assert crowded.latency(0.9) <= FACTOR * max(alone.latency(0.9), 0.1), method
