"""The two commands on one database: what they serve, what of it is listed, and that nothing is changed."""

import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from gateway.migrate import connect_to
from gateway.schema.model import MethodKind, Service, StandardMethod
from gateway.schema.protos.sources import compile_protos
from gateway.schema.read import read_schema
from gateway.schema.tables.naming import quote
from tests.cli.running import rowgate
from tests.harness.client import Client, RpcFailed
from tests.harness.databases import fetch
from tests.harness.process import ServerProcess
from tests.migrate.database import EmptyDatabase
from tests.migrate.test_foreign_catalogs import dump
from tests.pull.pulling import command, lint
from tests.soak.foreign.alterations import alter, texts
from tests.soak.foreign.report import Report, read_report

SECONDS = 120
"""What the two commands may take."""
_PAGE = 1000
_PAGES = 5
_RELATIONS = """
    SELECT n.nspname || '.' || c.relname AS name, c.relkind::text AS kind FROM pg_class c
    JOIN pg_namespace n ON n.oid = relnamespace
    WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT relispartition
        AND nspname !~ '^(pg_|information_schema$)'
"""


class Share(NamedTuple):
    """How many are served, of how many."""

    served: int
    there: int

    def __str__(self) -> str:
        return f"{self.served} of {self.there}"


@dataclass(frozen=True, slots=True)
class Served:
    """What the two commands made of a database.

    Args:
        report: what `rowgate pull` printed.
        seconds: what both took, until calls were answered.
        rows: how many rows were listed of each relation.

    """

    report: Report
    seconds: float
    rows: Sequence[int]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a database.

    Args:
        kinds: pg_class.relkind of each table and view, by name.
        served: what was served of them.
        altered: what was altered, and followed.

    """

    kinds: Mapping[str, str]
    served: Served
    altered: str

    @property
    def tables(self) -> Share:
        """How many tables are served."""
        return self._share("rpf")

    @property
    def views(self) -> Share:
        """How many views of both kinds are served."""
        return self._share("vm")

    def _share(self, kinds: str) -> Share:
        there = {name for name, kind in self.kinds.items() if kind in kinds}
        return Share(len(there & self.served.report.served), len(there))

    def __str__(self) -> str:
        head = (
            f"{self.tables} tables and {self.views} views served in {self.served.seconds:.1f} s, "
            f"{sum(self.served.rows)} rows listed of {sum(map(bool, self.served.rows))} of them; "
            f"followed {self.altered}"
        )
        left = {**self.served.report.tables, **self.served.report.columns}
        return "\n".join([head, *(f"  left out: {name}: {why}" for name, why in left.items())])


async def try_database(dsn: str, folder: Path) -> Outcome:
    """Pull, serve, list and alter a database; return what became of it.

    Args:
        dsn: the database.
        folder: where the protos go.

    Raises AssertionError where anything is other than it has to be.

    """
    database = EmptyDatabase(dsn, connect_to(dsn))
    kinds = {row["name"]: row["kind"] for row in await fetch(dsn, _RELATIONS)}
    before = await dump(database)
    served = await _serve(dsn, folder)
    _told(await command("migrate", "--dsn", dsn, "--protos", str(folder)))
    assert await dump(database) == before, "the database was changed"
    assert not await fetch(dsn, "SELECT FROM pg_namespace WHERE nspname = 'rowgate'"), "a schema was made"
    unnamed = kinds.keys() - served.report.served - served.report.tables.keys()
    assert not unnamed, f"neither served nor named: {', '.join(sorted(unnamed))}"
    stands = texts(folder)
    _told(await command("pull", "--dsn", dsn, "--out", str(folder)))
    assert texts(folder) == stands, "a second pull changed the protos"
    altered = await alter(dsn, folder)
    async with _serving(dsn, folder):
        return Outcome(kinds, served, altered)


async def _serve(dsn: str, folder: Path) -> Served:
    """Run the two commands, and read all that is served."""
    begun = time.monotonic()
    report = read_report(_told(await rowgate("pull", "--dsn", dsn, "--out", str(folder))))
    async with _serving(dsn, folder) as server:
        seconds = time.monotonic() - begun
        assert seconds < SECONDS, f"the two commands took {seconds:.0f} s"
        descriptors = compile_protos(folder)
        said = lint(descriptors, folder)
        assert said == "", f"buf says: {said[:2000]}"
        services = read_schema(descriptors).services.values()
        assert {_name(service) for service in services} == report.served
        return Served(report, seconds, await _read_each(Client(server.target, descriptors), services, dsn))


def _told(ended: tuple[int, str, str]) -> str:
    """Return what a command printed. Raises AssertionError where it failed."""
    status, told, errors = ended
    assert status == 0, f"status {status}: {told[-2000:]}{errors[-2000:]}"
    return told


@asynccontextmanager
async def _serving(dsn: str, folder: Path) -> AsyncIterator[ServerProcess]:
    listen = ("--listen", "127.0.0.1:0", "--log-level", "error")
    server = await ServerProcess.serving("--dsn", dsn, "--protos", str(folder), *listen)
    try:
        yield server
    finally:
        await server.stop()


async def _read_each(client: Client, services: Iterable[Service], dsn: str) -> list[int]:
    """Read each relation in every way there is; return how many rows were listed of each."""
    rows = []
    try:
        for service in services:
            methods = {method.kind: method for method in service.standard_methods}
            resource = methods[MethodKind.LIST].resource
            relation = f"{quote(resource.schema)}.{quote(resource.table)}"
            [stored] = await fetch(dsn, f"SELECT count(*) AS n FROM {relation}")  # noqa: S608 - a name
            try:
                rows.append(await _read(client, methods, stored["n"]))
            except (AssertionError, RpcFailed) as error:
                raise AssertionError(f"{relation}: {error}") from error
    finally:
        await client.close()
    return rows


async def _read(client: Client, methods: Mapping[MethodKind, StandardMethod], stored: int) -> int:
    """List, stream, count and get the rows of a relation; return how many were listed."""
    listed = await _list(client, methods[MethodKind.LIST])
    streamed = await _stream(client, methods[MethodKind.STREAM])
    counted = (await client.call(methods[MethodKind.COUNT].path[1:])).count
    found, expected = (len(listed), streamed, counted), (min(stored, _PAGES * _PAGE), stored, stored)
    assert found == expected, f"listed, streamed and counted {found}, not {expected}"
    if listed and (get := methods.get(MethodKind.GET)):
        assert await _get(client, get, listed[-1]) == listed[-1], "got another row than was listed"
    return len(listed)


def _name(service: Service) -> str:
    resource = service.standard_methods[0].resource
    return f"{resource.schema}.{resource.table}"


async def _list(client: Client, method: StandardMethod) -> list[Any]:
    """Return the rows of the first pages."""
    rows: list[Any] = []
    token = ""
    for _ in range(_PAGES):
        answer = await client.call(method.path[1:], page_size=_PAGE, page_token=token)
        rows += getattr(answer, method.response["rows"].name)
        token = answer.next_page_token
        if not token:
            break
    return rows


async def _stream(client: Client, method: StandardMethod) -> int:
    name = method.response["rows"].name
    return sum([len(getattr(chunk, name)) async for chunk in client.stream(method.path[1:])])


async def _get(client: Client, method: StandardMethod, row: Any) -> Any:
    """Return the row that has the key of another."""
    request = client.message(str(method.descriptor.input_type.full_name))
    for asked, field in zip(method.keys, method.resource.key_fields, strict=True):
        value = getattr(row, field.name)
        if asked.message_type is None:
            setattr(request, asked.name, value)
        else:
            getattr(request, asked.name).CopyFrom(value)
    return await client.call(method.path[1:], request)
