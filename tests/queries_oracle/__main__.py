"""Questions by the thousand over three schemas, each answer compared with SQL by hand.

python -m tests.queries_oracle [--cases N] [--seed NUMBER]
"""

import asyncio
import random
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from gateway.cli.runtime import loop_factory, spare_what_stays
from tests.harness.databases import forgetful_databases
from tests.queries_oracle.cases import Case, Tally
from tests.queries_oracle.served import Served, serving
from tests.queries_oracle.slow import SlowCalls

_TELL = 1000


async def soak(folder: Path, first: int, cases: int) -> Tally:
    """Make cases from a number on."""
    with forgetful_databases(folder) as databases:
        async with serving(databases) as served:
            spare_what_stays("grpcio")  # else the garbage collector holds all calls, as what is kept grows
            return await _made(served, range(first, first + cases))


async def _made(served: Mapping[str, Served], numbers: range) -> Tally:
    tally = Tally(slow=SlowCalls(click.echo))
    with tally.slow.noting():
        for number in numbers:
            fault = await Case(number, served, tally).run()
            if fault:
                click.echo(fault)
            if tally.cases % _TELL == 0:
                click.echo(f"{tally.cases} cases, {len(tally.faults)} faults")
    return tally


@click.command()
@click.option("--cases", default=20_000)
@click.option("--seed", type=int, help="The number of the first, as a run printed it; random by default.")
def main(cases: int, seed: int | None) -> None:
    """Run it whole."""
    first = random.randrange(1 << 32) if seed is None else seed  # noqa: S311 - cases, no secrets
    click.echo(f"cases from {first} on")
    with (
        TemporaryDirectory(prefix="rowgate-queries-") as folder,
        asyncio.Runner(loop_factory=loop_factory()) as runner,
    ):
        tally = runner.run(soak(Path(folder), first, cases))
    click.echo(f"queries: {tally}")
    if tally.faults:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
