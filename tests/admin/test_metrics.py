"""The admin address of `rowgate serve`: probes, and metrics that are those of the calls that were made."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from gateway.observe.metrics.catalogue import CATALOGUE
from tests.cli.running import LEDGER, Running, Start, servers
from tests.harness.client import Client, RpcFailed
from tests.harness.databases import Databases
from tests.harness.gateway import descriptors_of, ledger_database
from tests.harness.http import ask
from tests.harness.polling import next_poll
from tests.transport.conftest import GET, SERVICE, locked, until_waiting

KEY = {"book": "main", "number": 1}
LIST = f"{SERVICE}/ListAccounts"
CREATE = f"{SERVICE}/CreateAccount"
Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
async def dsn(databases: Databases) -> str:
    """Return the DSN of a database with the ledger's tables."""
    return await ledger_database(databases)


@pytest.fixture
async def start(dsn: str) -> AsyncIterator[Start]:
    """Give what starts a server of the ledger."""
    async with servers("--protos", str(LEDGER), "--dsn", dsn) as started:
        yield started


async def scraped(admin: str) -> Samples:
    """Scrape as Prometheus does; return the samples, by name and labels."""
    answer = await ask(admin, "GET", "/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    families = list(text_string_to_metric_families(answer.body.decode()))
    return {(one.name, frozenset(one.labels.items())): one.value for f in families for one in f.samples}


def total(samples: Samples, name: str, **labels: str) -> float:
    """Return the sum of the samples of a name that have these labels, as PromQL's `sum(name{…})`."""
    asked = set(labels.items())
    return sum(value for (one, own), value in samples.items() if one == name and asked <= own)


async def call(target: str, method: str, *args: Any, **fields: Any) -> str:
    """Call over a connection of its own; return the status's reason, or OK."""
    client = Client(target, descriptors_of("ledger"), [("grpc.use_local_subchannel_pool", 1)])
    try:
        await client.call(method, *args, **fields)
    except RpcFailed as error:
        return error.reason or error.code.name
    finally:
        await client.close()
    return "OK"


async def started(start: Start, *flags: str) -> tuple[Running, str, str]:
    """Start a server; return it, its address and its admin address."""
    server = await start("--admin-listen", "0", *flags)
    target = await server.ready()
    return server, target, str(server.log[-1]["admin"])


async def test_calls_are_counted_by_method_and_code_and_measured(start: Start, dsn: str) -> None:
    _, target, admin = await started(start)
    assert await call(target, CREATE, account={**KEY, "title": "T", "iban": "1"}) == "OK"
    for _ in range(3):
        assert await call(target, GET, KEY) == "OK"
    assert await call(target, GET, {**KEY, "number": 2}) == "ROW_NOT_FOUND"
    assert await call(target, LIST, page_size=-1) != "OK"
    samples = await scraped(admin)
    handled = "grpc_server_handled_total"
    get = {"grpc_service": SERVICE, "grpc_method": "GetAccount"}
    assert total(samples, handled, **get, grpc_code="OK", grpc_type="unary") == 3
    assert total(samples, handled, **get, grpc_code="NOT_FOUND") == 1
    assert total(samples, handled) == 6 == total(samples, "grpc_server_started_total")
    assert total(samples, "rowgate_refusals_total", reason="ROW_NOT_FOUND", grpc_code="NOT_FOUND") == 1
    assert total(samples, "grpc_server_handling_seconds_count", **get) == 4
    assert total(samples, "grpc_server_handling_seconds_bucket", **get, le="+Inf") == 4
    assert 0 < total(samples, "grpc_server_handling_seconds_sum", **get) < 4
    assert total(samples, "rowgate_response_bytes_count", **get) == 4
    assert total(samples, "rowgate_response_bytes_sum", **get) > 0
    assert total(samples, "rowgate_ready") == total(samples, "rowgate_workers") == 1
    assert total(samples, "db_client_operation_duration_seconds_count", db_query_summary="get order") == 4
    assert total(samples, "rowgate_batch_alone_total") == total(samples, "rowgate_batch_calls_total") == 5
    assert total(samples, "db_client_connection_max") == 8
    used = {"db_client_connection_state": "used"}
    async with locked(dsn) as connection:
        waiting = asyncio.create_task(call(target, LIST))
        await until_waiting(connection, 1)
        samples = await scraped(admin)
        assert total(samples, "rowgate_calls_in_flight") == 1
        assert total(samples, "rowgate_calls_in_flight", grpc_method="ListAccounts") == 1
        assert total(samples, "grpc_server_started_total") == 7
        assert total(samples, "db_client_connection_count", **used) == 1
    assert await waiting == "OK"


async def test_the_workers_figures_are_one_s_and_none_is_lost_with_a_worker(start: Start) -> None:
    server, target, admin = await started(start, "--workers", "2")
    for _ in range(8):
        await call(target, GET, KEY)
    samples = await scraped(admin)
    assert total(samples, "grpc_server_handled_total") == 8
    assert total(samples, "rowgate_workers") == 2
    assert total(samples, "grpc_server_handling_seconds_count", grpc_method="GetAccount") == 8
    pids = await workers_of(server)
    os.kill(pids[0], signal.SIGSTOP)
    # One that hangs holds nobody up, and what it had counted is still there.
    for samples in await asyncio.gather(*(scraped(admin) for _ in range(20))):
        assert total(samples, "grpc_server_handled_total") == 8
        assert total(samples, "rowgate_workers") == 1
    os.kill(pids[0], signal.SIGKILL)
    await server.logged("a worker is ready again")
    assert total(await scraped(admin), "grpc_server_handled_total") == 8
    server.signal(signal.SIGHUP)
    await server.logged("reloaded")
    await call(target, GET, KEY)
    assert total(await scraped(admin), "grpc_server_handled_total") == 9
    # The old workers leave in their own time, and take none of what they counted with them.
    while not await only_new(server, pids):
        await next_poll()
    assert total(await scraped(admin), "grpc_server_handled_total") == 9


async def test_the_calls_under_way_of_all_workers_are_told(start: Start, dsn: str) -> None:
    _, target, admin = await started(start, "--workers", "2")
    async with locked(dsn) as connection:
        waiting = [asyncio.create_task(call(target, LIST)) for _ in range(4)]
        await until_waiting(connection, 4)
        calls = (await ask(admin, "GET", "/debug/calls")).json["calls"]
    assert [one["method"] for one in calls] == [LIST] * 4
    assert {one["waits_for"] for one in calls} == {"statement: list order"}
    assert await asyncio.gather(*waiting) == ["OK"] * 4


async def test_where_no_worker_answers_that_is_told_and_what_they_had_counted(start: Start) -> None:
    server, target, admin = await started(start, "--workers", "2")
    await call(target, GET, KEY)
    counted = total(await scraped(admin), "grpc_server_handled_total")
    pids = await workers_of(server)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    samples = await scraped(admin)
    assert ("rowgate_ready", frozenset()) in samples
    assert total(samples, "rowgate_ready") == total(samples, "rowgate_workers") == 0
    assert total(samples, "grpc_server_handled_total") == counted == 1
    assert (await ask(admin, "GET", "/debug/calls")).json == {"calls": [], "silent_workers": 2}
    assert await answers(admin, "/ready", 503)
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    while not await answers(admin, "/ready", 200):
        await next_poll()
    assert total(await scraped(admin), "rowgate_workers") == 2


async def test_probes_and_whoever_asks_for_something_else(start: Start) -> None:
    _, _, admin = await started(start)
    assert admin.startswith("127.0.0.1:")
    assert (await ask(admin, "GET", "/live")).body == b"live\n"
    assert (await ask(admin, "GET", "/ready")).status == 200
    assert (await ask(admin, "HEAD", "/ready")).body == b""
    assert (await ask(admin, "GET", "/nothing")).status == 404
    assert (await ask(admin, "POST", "/metrics", b"x")).status == 405
    # A page that has its own name point to this machine learns nothing.
    assert (await ask(admin, "GET", "/metrics", headers={"host": "evil.example"})).status == 421


async def test_it_is_not_ready_while_it_drains_and_lives_until_its_end(start: Start, dsn: str) -> None:
    server, target, admin = await started(start)
    async with locked(dsn) as connection:
        waiting = asyncio.create_task(call(target, LIST))
        await until_waiting(connection, 1)
        server.signal()
        await server.logged("stopping")
        while not await answers(admin, "/ready", 503):
            await next_poll()
        assert await answers(admin, "/live", 200)
    assert await waiting == "OK"
    assert (await server.ended())[0] == 0


async def test_without_the_setting_there_is_none(start: Start) -> None:
    server = await start()
    await server.ready()
    assert "admin" not in server.log[-1]


async def answers(target: str, path: str, status: int) -> bool:
    """Return whether a page is answered with a status."""
    return (await ask(target, "GET", path)).status == status


async def workers_of(server: Running) -> list[int]:
    """Return the ids of a server's workers."""
    found = await asyncio.create_subprocess_exec(
        "pgrep", "-P", str(server.process.pid), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await found.communicate()
    return [int(pid) for pid in out.split()]


async def only_new(server: Running, old: list[int]) -> bool:
    """Return whether the workers before a reload are gone."""
    now = await workers_of(server)
    return len(now) == 2 and not set(now) & set(old)


def test_every_metric_is_named_as_prometheus_and_open_metrics_ask() -> None:
    for metric in CATALOGUE.values():
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert metric.about.endswith(".")
