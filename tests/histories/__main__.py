"""Histories under faults for as long as asked: none illegal, none undecided, nothing stuck.

python -m tests.histories [--minutes 60] [--seed N] [--pictures build/histories]
"""

import asyncio
import random
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from tests.harness.sample import ROOT
from tests.harness.tools import tool
from tests.histories.checking import PROGRAM
from tests.histories.cluster import cluster
from tests.histories.faults import FAULTS
from tests.histories.rounds import Rounds

_TRANSPORTS = ("http", "grpcio")
_TELL_SECONDS = 60
_EACH = 3
"""Objects of each kind in a round."""


async def soak(folder: Path, minutes: float, seed: int, pictures: Path, each: int) -> Rounds:
    """Make rounds, of each fault in turn and of all at least once, until the time is up."""
    chance = random.Random(seed)  # noqa: S311 - chance, no secret
    async with cluster(folder, _TRANSPORTS) as served:
        rounds = Rounds(served, tool(PROGRAM), pictures, chance, each)
        began = told = time.monotonic()
        while not rounds.tally.histories or time.monotonic() - began < 60 * minutes:
            for fault in chance.sample(list(FAULTS), len(FAULTS)):
                await rounds.run(fault)
            if time.monotonic() - told > _TELL_SECONDS:
                told = time.monotonic()
                click.echo("\n".join([f"{told - began:.0f} s: {rounds.tally}", *rounds.tally.faults()]))
    return rounds


@click.command()
@click.option("--minutes", default=60.0)
@click.option("--seed", default=None, type=int)
@click.option("--pictures", default=ROOT / "build" / "histories", type=click.Path(path_type=Path))
def main(minutes: float, seed: int | None, pictures: Path) -> None:
    """Run it whole."""
    seed = random.randrange(1 << 32) if seed is None else seed  # noqa: S311 - chance, no secret
    pictures.mkdir(parents=True, exist_ok=True)
    click.echo(f"seed {seed}, {minutes:g} minutes")
    with TemporaryDirectory(prefix="rowgate-histories-") as folder:
        tally = asyncio.run(soak(Path(folder), minutes, seed, pictures, _EACH)).tally
    click.echo(f"all: {tally}")
    if faults := tally.faults():
        raise SystemExit("\n".join(faults))


if __name__ == "__main__":
    main()
