"""The catalogue of dear requests at the usual limits: what each takes of memory and of the event loop's time.

python -m tests.soak.dear [--transport TRANSPORT] [NAME …]. The exit status says whether each held.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from gateway.db.embedded import EmbeddedPostgres
from tests.dear.catalogue import CATALOGUE
from tests.dear.watched import MIB, watched
from tests.harness.databases import Databases

SIZES = {"http": 64 * MIB, "grpcio": 16 * MIB}
"""The largest that each transport takes."""
MEMORY = 4 * SIZES["http"]
SECONDS = 0.1


async def measure(folder: Path, transport: str, size: int, names: Sequence[str]) -> list[str]:
    """Send each of these requests once; return the names of those that took more than they may."""
    server = EmbeddedPostgres(folder, settings={"fsync": "off"})
    databases, failed = Databases(server.start()), []
    try:
        async with AsyncExitStack() as stack:
            servers = {
                schema: await stack.enter_async_context(
                    watched(schema, databases, transport, max_request_bytes=size)
                )
                for schema in ("books", "types")
            }
            for name in names:
                dear = CATALOGUE[name]
                cost = await servers[dear.schema].cost(dear, size - 1000)
                held = cost.answer in dear.answers and cost.memory <= MEMORY and cost.hold <= SECONDS
                click.echo(
                    f"{transport:7} {name:36} {cost.answer:24} {cost.memory / MIB:5.0f} MiB "
                    f"{cost.hold * 1000:6.0f} ms {'' if held else 'too much'}"
                )
                failed += [] if held else [f"{transport}: {name}"]
    finally:
        server.stop()
    return failed


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]…", type=click.Choice(list(CATALOGUE)))
@click.option("--mib", type=int, help="Size of the requests, in MiB; by default the largest there may be.")
@click.option(
    "--transport", "transports", multiple=True, default=tuple(SIZES), type=click.Choice(tuple(SIZES))
)
def main(names: Sequence[str], mib: int | None, transports: Sequence[str]) -> None:
    """Hold the requests named, or all, to their ceilings, over each transport that is ours to hold."""
    failed = []
    for transport in transports:
        with TemporaryDirectory(prefix="rowgate-soak-") as folder:
            size = SIZES[transport] if mib is None else mib * MIB
            asked = measure(Path(folder) / "postgres", transport, size, names or list(CATALOGUE))
            failed += asyncio.run(asked)
    if failed:
        raise SystemExit("took too much: " + ", ".join(failed))


if __name__ == "__main__":
    main()
