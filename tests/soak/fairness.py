"""How long calls take of a client that asks for little, alone and beside one that takes all it can: a table.

python -m tests.soak.fairness [--seconds N]

Exit status 1 says that a call beside it was lost, or that the hundredth that waits longest waited five times
as long as alone; below 20 ms that says more of the machine, which makes the load too.
"""

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from tests.harness.databases import forgetful_databases
from tests.harness.gateway import start_gateway
from tests.overload.load import Outcome
from tests.overload.neighbours import BESIDE, POOL, PRINCIPAL, Keys, alone_and_beside
from tests.overload.slow import fill

TRANSPORTS = ("http", "grpcio")
FACTOR = 5.0
LEAST_SECONDS = 0.02
COLUMNS = ("beside", "transport", "method", "answered", "p50", "p90", "p99")


def line(beside: str, transport: str, method: str, alone: Outcome, crowded: Outcome) -> str:
    """Return a line of the table."""
    shares = (0.5, 0.9, 0.99)
    answered = f"{crowded.codes['OK']} of {len(crowded.calls)}"
    times = (f"{1000 * alone.latency(one):.1f} → {1000 * crowded.latency(one):.1f} ms" for one in shares)
    return f"| {' | '.join((beside, transport, method, answered, *times))} |"


def fell_short(alone: Outcome, crowded: Outcome) -> bool:
    """Whether calls were lost, or waited too long."""
    lost = crowded.codes["OK"] < len(crowded.calls)
    return lost or crowded.latency(0.99) > FACTOR * max(alone.latency(0.99), LEAST_SECONDS)


def _known_by(file: Path) -> dict[str, str]:
    """Return the settings by which callers are known by a file of API keys."""
    return {"auth_providers": "api_key", "auth_api_keys": str(file)}


async def run(folder: Path, seconds: float) -> bool:
    """Print the table; return whether all held."""
    held = True
    with forgetful_databases(folder) as databases:
        for transport in TRANSPORTS:
            for beside in (*BESIDE, PRINCIPAL):
                file = folder / f"{transport}.json"
                keys, known = (Keys.of(file), _known_by(file)) if beside == PRINCIPAL else (Keys(), {})
                gateway = await start_gateway(
                    "busy", databases, transport=transport, apart=True, pool_size=POOL, **known
                )
                try:
                    await fill(gateway)
                    outcomes = await alone_and_beside(gateway, beside, seconds, keys)
                finally:
                    await gateway.stop()
                for method, (alone, crowded) in outcomes.items():
                    click.echo(line(beside, transport, method, alone, crowded))
                    held = held and not fell_short(alone, crowded)
    return held


@click.command()
@click.option("--seconds", default=20.0, show_default=True, help="Time of each load.")
def main(seconds: float) -> None:
    """Print the table."""
    click.echo(f"| {' | '.join(COLUMNS)} |")
    click.echo("|" + "---|" * len(COLUMNS))
    with TemporaryDirectory(prefix="rowgate-fairness-") as folder:
        held = asyncio.run(run(Path(folder), seconds))
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
