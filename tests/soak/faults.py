"""Faults at all calls and awaits where calls share statements, and all awaits of gateway/db and transport.

python -m tests.soak.faults [NAME …]
"""

import asyncio
import warnings
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from gateway.cli.servers import SERVERS
from gateway.db.embedded import EmbeddedPostgres
from tests.faults import batch_queues, served
from tests.faults.opcodes import faults
from tests.harness.databases import Databases, opening

_BATCH_QUEUES = "batch_queues"
PARTS = (_BATCH_QUEUES, *served.PROTOCOLS)
"""Calls that share statements, and those of a gateway."""


async def _batch_queues(databases: Databases) -> AsyncIterator[str]:
    """Yield what each fault left wrong."""
    async with opening() as open_database:
        shared = await batch_queues.BatchQueues.open(await databases.empty(), open_database)
        for fault in faults(await shared.sites(), batch_queues.ACTS):
            yield await shared.fails(fault)


async def _served(databases: Databases, protocols: str) -> AsyncIterator[str]:
    """Yield what each fault left wrong."""
    async with served.served(databases, protocols) as gateway:
        for fault in faults(await gateway.sites(), served.ACTS):
            yield await gateway.fails(fault)
        # They are ended by a client of gRPC.
        for method in served.STREAMS if protocols in SERVERS else ():
            for fault in faults(await gateway.sites_of(method), served.ENDS):
                yield await gateway.leaves(method, fault)


async def _run(databases: Databases, names: Sequence[str]) -> int:
    """Return how many faults left something wrong; tell which."""
    wrong = 0
    for name in names:
        tried = 0
        async for found in _batch_queues(databases) if name == _BATCH_QUEUES else _served(databases, name):
            tried += 1
            if found:
                wrong += 1
                click.echo(f"{name}: {found}")
        click.echo(f"{name}: {tried} faults tried")
    return wrong


@click.command()
@click.argument("names", nargs=-1, metavar=f"[{'|'.join(PARTS)}]…", type=click.Choice(PARTS))
def main(names: Sequence[str]) -> None:
    """Run the parts named, or all of them; the exit status says whether all held."""
    # A fault between the making of a coroutine and its await leaves it unawaited.
    warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
    with TemporaryDirectory(prefix="rowgate-soak-") as folder:
        server = EmbeddedPostgres(Path(folder) / "postgres", settings={"fsync": "off"})
        databases = Databases(server.start())
        try:
            wrong = asyncio.run(_run(databases, names or PARTS))
        finally:
            server.stop()
    if wrong:
        raise SystemExit(f"{wrong} faults left something wrong")


if __name__ == "__main__":
    main()
