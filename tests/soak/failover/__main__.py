"""Kills, freezes and partitions of a cluster's leader, under load: nothing acknowledged is lost or doubled.

python -m tests.soak.failover [--faults 50] [--nodes 3] [--seed N]
"""

import asyncio
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from gateway.schema.tables.metadata import build_tables
from tests.harness.databases import create_tables
from tests.harness.gateway import schema_of
from tests.soak.failover.cluster import cluster, missing
from tests.soak.failover.faults import FAULTS
from tests.soak.failover.trial import Outcomes, Setting, Trials

_SETTINGS = (
    Setting(synchronous=True),
    Setting(synchronous=False),
    Setting(synchronous=True, pooler="session"),
    Setting(synchronous=True, pooler="transaction"),
)


async def soak(
    folder: Path, plan: Sequence[tuple[Setting, Sequence[str]]], nodes: int, seed: int
) -> Outcomes:
    """Make the faults of a plan on a cluster of its own; return what they came to."""
    async with cluster(folder, nodes) as made:
        await create_tables((await made.leader()).dsn, build_tables(schema_of("vault")).metadata)
        trials = Trials(made, random.Random(seed))  # noqa: S311 - chance, no secret
        for setting, faults in plan:
            await trials.run(setting, faults)
            click.echo(f"so far: {trials.outcomes}")
        return trials.outcomes


def plan_of(count: int) -> Sequence[tuple[Setting, Sequence[str]]]:
    """Return so many faults, each kind in turn: about half of them in synchronous mode without a pooler."""
    kinds = list(FAULTS)
    others = len(_SETTINGS) - 1
    shares = [count - others * (count // 6), *[count // 6] * others]
    firsts = [sum(shares[:place]) for place in range(len(shares))]
    return [
        (setting, [kinds[(first + number) % len(kinds)] for number in range(share)])
        for setting, first, share in zip(_SETTINGS, firsts, shares, strict=True)
        if share
    ]


@click.command()
@click.option("--faults", default=50)
@click.option("--nodes", default=3)
@click.option("--seed", type=int)
def main(faults: int, nodes: int, seed: int | None) -> None:
    """Break leaders."""
    if missing():
        raise SystemExit(f"not installed: {missing()}")
    seed = random.randrange(1 << 32) if seed is None else seed  # noqa: S311 - chance, no secret
    click.echo(f"seed {seed}")
    begun = time.monotonic()
    with TemporaryDirectory(prefix="rowgate-failover-") as folder:
        outcomes = asyncio.run(soak(Path(folder) / "cluster", plan_of(faults), nodes, seed))
    click.echo(f"{time.monotonic() - begun:.0f} s: {outcomes}")
    if wrong := outcomes.wrong():
        raise SystemExit("\n".join(wrong))


if __name__ == "__main__":
    sys.exit(main())
