"""Databases of other people's products: pulled, served, listed, altered and pulled again.

`python -m tests.soak.foreign [NAME …]` takes the products' packages of Debian and PyPI as they are today, by
apt-get and pip, into a folder that goes when it is done; PostgreSQL is Debian's 15. The exit status says
whether all held.
"""

import asyncio
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import click

from tests.db.servers import debian_server, make_database
from tests.soak.foreign.products import PRODUCTS
from tests.soak.foreign.rows import fill
from tests.soak.foreign.trial import Outcome, Share, try_database

_TABLES, _VIEWS = 0.95, 0.90
"""The shares of all tables and views that have to be served."""
_DATABASE_SECONDS = 900
_WRONG = (AssertionError, TimeoutError, OSError, subprocess.SubprocessError, asyncpg.PostgresError)


async def _try(server: str, name: str, scratch: Path) -> Outcome:
    """Make a product's database, and try it."""
    dsn = await make_database(server)
    package = scratch / "package"
    package.mkdir()
    await asyncio.to_thread(PRODUCTS[name].make, dsn, package)
    async with asyncio.timeout(_DATABASE_SECONDS):
        await fill(dsn)
        return await try_database(dsn, scratch / "protos")


def _too_few(shares: Sequence[Share], least: float, what: str) -> list[str]:
    """Say how many are served in all; return what is wrong with that."""
    served, there = (sum(one[i] for one in shares) for i in (0, 1))
    click.echo(f"in all: {Share(served, there)} {what} served")
    return [f"less than {least:.0%} of {what}"] if served < least * there else []


@click.command()
@click.argument("names", nargs=-1, metavar=f"[{'|'.join(PRODUCTS)}]…", type=click.Choice(list(PRODUCTS)))
def main(names: Sequence[str]) -> None:
    """Try the databases of the products named, or of all."""
    found: list[Outcome] = []
    wrong: list[str] = []
    with (
        TemporaryDirectory(prefix="rowgate-foreign-") as folder,
        debian_server(Path(folder) / "15") as server,
    ):
        for name in names or PRODUCTS:
            scratch = Path(folder) / name
            scratch.mkdir()
            try:
                found.append(asyncio.run(_try(server, name, scratch)))
                click.echo(f"{name}: {found[-1]}")
            except _WRONG as error:
                wrong.append(name)
                click.echo(f"{name}: {error!r}")
    wrong += _too_few([one.tables for one in found], _TABLES, "tables")
    wrong += _too_few([one.views for one in found], _VIEWS, "views")
    if wrong:
        raise SystemExit("did not hold: " + ", ".join(wrong))


if __name__ == "__main__":
    main()
