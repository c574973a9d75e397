"""A million fuzzed filters: no crash, no internal error, none over 50 ms; some are asked of PostgreSQL.

python -m tests.soak.filters [--filters N] [--first NUMBER]
"""

import asyncio
import gc
import random
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from sqlalchemy import Table

from gateway.policy.schema_rules import hops_of, row_rules
from gateway.request.filter.related.relations import Relations
from gateway.schema.model import Resource
from gateway.schema.tables.metadata import build_tables
from tests.filters.fuzzed import Tally, try_filters
from tests.harness.client import RpcFailed
from tests.harness.databases import Databases, forgetful_databases
from tests.harness.gateway import RunningGateway, schema_of, start_gateway
from tests.relations.guilds import fill_guilds
from tests.rpc.readside import insert
from tests.rpc.scalars import rows

COUNTS = {
    "types.v1.Scalar": ("types", "types.v1.ScalarService/CountScalars"),
    "types.v1.Rich": ("types", "types.v1.RichService/CountRiches"),
    "ledger.v1.Account": ("ledger", "ledger.v1.AccountService/CountAccounts"),
    "guilds.v1.Task": ("guilds", "guilds.v1.TaskService/CountTasks"),
}
"""The resources, each with its schema and the method that counts its rows."""
_REFUSED = frozenset({"INVALID_ARGUMENT", "OUT_OF_RANGE"})
_TELL = 50_000


def resources() -> Mapping[str, tuple[Resource, Table, Relations]]:
    """Return the resources of which filters are drawn, with their tables, and relations under rules."""
    found = {}
    for name, (folder, _) in COUNTS.items():
        schema = schema_of(folder)
        relations = hops_of(schema, row_rules(schema)).relations
        found[name] = (schema.resources[name], build_tables(schema).tables[name], relations)
    return found


async def serving(databases: Databases, stack: AsyncExitStack) -> Mapping[str, RunningGateway]:
    """Serve the schemas, with some rows for filters to be tried on."""
    served = {}
    for folder in sorted({folder for folder, _ in COUNTS.values()}):
        served[folder] = await start_gateway(folder, databases, transport="http")
        stack.push_async_callback(served[folder].stop)
    resource = served["types"].schema.resources["types.v1.Scalar"]
    await insert(served["types"], resource, rows(40))
    await fill_guilds(served["guilds"])
    document = {"a": ["x", {"b": 1}], "name": "é", "env": None}
    rich = [
        {"id": i, "attributes": document, "part": {"name": "a"}, "parts": [{"name": "b"}]} for i in range(5)
    ]
    await insert(served["types"], served["types"].schema.resources["types.v1.Rich"], rich)
    return served


async def asked(served: Mapping[str, RunningGateway], name: str, text: str) -> str:
    """Count by a filter; return what is wrong with the answer, empty where nothing is."""
    folder, method = COUNTS[name]
    try:
        await served[folder].call(method, filter=text)
    except RpcFailed as failed:
        if failed.code.name not in _REFUSED:
            return f"{name}: {failed.code.name} {failed.reason}: {text!r}"
    return ""


async def soak(databases: Databases, numbers: range, every: int) -> Tally:
    """Try filters, and ask every so many of those that were planned of PostgreSQL."""
    tally, count = Tally(), 0
    async with AsyncExitStack() as stack:
        served = await serving(databases, stack)
        found = resources()
        gc.collect()
        gc.freeze()  # as `serve` does, so that no filter has to wait until all else is looked through
        stack.callback(gc.unfreeze)
        for name, text in try_filters(found, numbers, tally):
            count += 1
            if count % _TELL == 0:
                click.echo(f"{tally}")
            if count % every == 0:
                tally.asked += 1
                if fault := await asked(served, name, text):
                    tally.faults.append(fault)
    return tally


@click.command()
@click.option("--filters", default=1_000_000)
@click.option("--first", type=int, help="The number of the first, as a run printed it; random by default.")
@click.option("--every", default=20, help="Of so many that are planned one is asked of PostgreSQL.")
def main(filters: int, first: int | None, every: int) -> None:
    """Try them all; the exit status says whether there was a fault."""
    start = random.randrange(1 << 32) if first is None else first  # noqa: S311 - cases, no secrets
    click.echo(f"filters from {start} on")
    with (
        TemporaryDirectory(prefix="rowgate-filters-") as folder,
        forgetful_databases(Path(folder)) as databases,
    ):
        tally = asyncio.run(soak(databases, range(start, start + filters), every))
    click.echo("\n".join(tally.faults[:50]))
    click.echo(f"filters: {tally}")
    if tally.faults:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
