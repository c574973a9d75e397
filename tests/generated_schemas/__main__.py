"""Generated schemas by the thousand, others each time; each that fails is made small and kept in corpus/.

python -m tests.generated_schemas [--schemas N] [--first NUMBER]
"""

import asyncio
import logging
import random
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from gateway.cli.runtime import loop_factory
from gateway.cli.servers import SERVERS
from gateway.db.embedded import EmbeddedPostgres
from tests.generated_schemas.drawing import Case, case_of
from tests.generated_schemas.kept import keep
from tests.generated_schemas.reducing import reduced
from tests.generated_schemas.served import DDL_ALONE, carry_out, emptied
from tests.harness.databases import Databases

_SECONDS = 60
_REDUCING_SECONDS = 120


class Soak:
    """Cases that are carried out one after the other, over each transport in turn."""

    def __init__(self, runner: asyncio.Runner, dsn: str) -> None:
        self._runner = runner
        self._dsn = dsn
        self.done = 0
        self.failed: Counter[str] = Counter()

    def run(self, case: Case) -> None:
        """Carry a case out; keep it where it is the first to fail in its way."""
        self.done += 1
        if self.done % 100 == 0:
            click.echo(f"{self.done} schemas")
        fault = self.fault(case)
        if not fault:
            return
        self.failed[fault] += 1
        if self.failed[fault] == 1:
            until = time.monotonic() + _REDUCING_SECONDS
            small = reduced(case, lambda one: time.monotonic() < until and self.fault(one) == fault)
            click.echo(f"after {self.done} schemas: {fault}\n  kept: {keep(small, fault)}")

    def fault(self, case: Case) -> str:
        """Return the kind of an exception, and where it was raised; empty where all is well."""
        transport = sorted(SERVERS)[self.done % len(SERVERS)]
        try:
            self._runner.run(emptied(self._dsn))
            self._runner.run(asyncio.wait_for(carry_out(case, self._dsn, transport), _SECONDS))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            last = traceback.extract_tb(error.__traceback__)[-1]
            told = f": {error}" if str(error)[:1].isupper() else ""
            return f"{type(error).__name__} in {Path(last.filename).name}, {last.name}{told[:60]}"
        return ""


@contextmanager
def _database() -> Iterator[str]:
    with TemporaryDirectory(prefix="rowgate-soak-") as folder:
        server = EmbeddedPostgres(Path(folder) / "postgres", settings=DDL_ALONE)
        try:
            yield asyncio.run(Databases(server.start()).empty())
        finally:
            server.stop()


@click.command()
@click.option("--schemas", default=2000)
@click.option("--first", type=int, help="The number of the first, as a run printed it; random by default.")
def main(schemas: int, first: int | None) -> None:
    """Run it whole."""
    start = random.randrange(1 << 32) if first is None else first  # noqa: S311 - schemas, no secrets
    click.echo(f"schemas from {start} on")
    logging.disable()
    with _database() as dsn, asyncio.Runner(loop_factory=loop_factory()) as runner:
        soak = Soak(runner, dsn)
        for number in range(start, start + schemas):
            soak.run(case_of(number))
    click.echo(f"{soak.done} schemas, {soak.failed.total()} with a difference")
    if soak.failed:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
