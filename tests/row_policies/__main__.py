"""Calls of many callers by the thousand against tables with policies, each compared with the oracle.

python -m tests.row_policies [--cases N] [--first NUMBER]
"""

import asyncio
import logging
import random
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from gateway.cli.runtime import loop_factory
from tests.harness.databases import forgetful_databases
from tests.row_policies.rounds import Round, Tally
from tests.row_policies.served import serving

_TELL = 1000


async def soak(folder: Path, first: int, cases: int) -> Tally:
    """Make cases from a number on, over each schema and transport in turn."""
    tally = Tally()
    with forgetful_databases(folder) as databases:
        async with serving(databases, folder) as served:
            names = sorted(served)
            for number in range(first, first + cases):
                for fault in await Round(number, served[names[number % len(names)]], tally).run():
                    click.echo(fault)
                if tally.rounds % _TELL == 0:
                    click.echo(f"{tally.rounds} cases")
    return tally


@click.command()
@click.option("--cases", default=10_000)
@click.option("--first", type=int, help="The number of the first, as a run printed it; random by default.")
def main(cases: int, first: int | None) -> None:
    """Run it whole."""
    start = random.randrange(1 << 32) if first is None else first  # noqa: S311 - cases, no secrets
    click.echo(f"cases from {start} on")
    logging.disable()
    with (
        TemporaryDirectory(prefix="rowgate-policies-") as folder,
        asyncio.Runner(loop_factory=loop_factory()) as runner,
    ):
        tally = runner.run(soak(Path(folder), start, cases))
    click.echo("\n".join(f"  {count:6} {answer}" for answer, count in sorted(tally.outcomes.items())))
    click.echo(f"policies: {tally}")
    if tally.faults:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
