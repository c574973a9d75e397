"""The soaks, small: a few kills, some rows."""

import random
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from tests.harness.transports import TRANSPORTS
from tests.soak.ingest import Soak
from tests.soak.money import Bank
from tests.soak.replicas import Readers, Size
from tests.soak.stream import MIB, measure

pytestmark = pytest.mark.alone


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_ingest_survives_kills(data_folder: Path, transport: str) -> None:
    seed = random.randrange(1 << 32)  # noqa: S311 - moments, no secrets
    click.echo(f"seed {seed}")
    soak = Soak(20_000, 250, kills=3, transport=transport, chance=random.Random(seed))  # noqa: S311 - as above
    await soak.run(data_folder / f"ingest-{transport}")
    assert soak.killed == {"client": 1, "gateway": 1, "database": 1}


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_stream_takes_no_memory(data_folder: Path, transport: str) -> None:
    found = await measure(data_folder / f"stream-{transport}", 200_000, transport)
    assert found.grown < 50 * MIB


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_money_is_moved_once(data_folder: Path, transport: str) -> None:
    seed = random.randrange(1 << 32)  # noqa: S311 - choices, no secrets
    click.echo(f"seed {seed}")
    bank = Bank(400, kills=2, chance=random.Random(seed))  # noqa: S311 - as above
    await bank.run(data_folder / f"money-{transport}", transport)
    assert (len(bank.acknowledged), bank.killed) == (400, 2)


@pytest.mark.parametrize(("held_up", "delay"), [(0.5, 0), (0.0, 50)])
async def test_no_read_with_a_token_is_stale(
    data_folder: Path, held_up: float, delay: int, tell: Callable[[str], None]
) -> None:
    seed = random.randrange(1 << 32)  # noqa: S311 - choices, no secrets
    click.echo(f"seed {seed}")
    readers = Readers(Size(5000, held_up, delay), random.Random(seed))  # noqa: S311 - as above
    await readers.run(data_folder / f"replicas-{delay}")
    assert readers.stale == 0
    assert readers.by_replica > (0.9 * readers.read if delay else 0)
    tell(str(readers))
