"""The loader against the served sample: everything is there, and loading again changes nothing."""

import io
import re
import sys
import tomllib
from asyncio import create_subprocess_exec
from asyncio.subprocess import PIPE, STDOUT

import pytest
from click.testing import CliRunner
from flights.v1 import flight_service_pb2, flight_service_pb2_grpc
from rich.console import Console

from examples.flights import data, load
from examples.flights.lines import lines
from examples.flights.report import Loaded, loaded_table
from tests.harness.databases import Databases
from tests.harness.process import environment
from tests.harness.sample import ROOT
from tests.harness.sample import Sample as Served

SAMPLE = data.Sample(ROOT / data.FOLDER)


async def test_every_row_is_served(served_sample: Served) -> None:
    async with load.connect(served_sample.target) as channel:
        assert await load.is_loaded(channel)


async def test_what_is_served_is_what_was_sent(served_sample: Served) -> None:
    """Some flights of each month, read back by id, field by field; the server adds its own fields."""
    sent = [flight for place, flight in enumerate(SAMPLE.flights()) if place % 700 == 0]
    async with load.connect(served_sample.target) as channel:
        stub = flight_service_pb2_grpc.FlightServiceStub(channel)
        answer = await stub.BatchGetFlights(
            flight_service_pb2.BatchGetFlightsRequest(ids=[f.id for f in sent]), timeout=30
        )
    for flight in answer.flights:
        for name in ("version", "etag", "created_at", "updated_at"):
            flight.ClearField(name)
    assert list(answer.flights) == sent


async def test_loading_again_changes_nothing(served_sample: Served) -> None:
    console = Console(quiet=True)
    tables = [table for table in load.TABLES if table.name != "Flights"]
    async with load.connect(served_sample.target) as channel:
        loaded = await load.load(channel, SAMPLE, console, tables)
    assert [(one.inserted, one.updated, one.unchanged) for one in loaded] == [(0, 0, t.size) for t in tables]


async def test_flights_are_known_by_their_natural_key(served_sample: Served) -> None:
    """One chunk sent again is unchanged, without its ids too."""
    flights = [flight for _, flight in zip(range(2000), SAMPLE.flights(), strict=False)]
    for flight in flights:
        flight.ClearField("id")
    async with load.connect(served_sample.target) as channel:
        answer = await load.TABLES[-1].upsert(channel, flights)
    assert (answer.inserted_count, answer.updated_count, answer.unchanged_count) == (0, 0, 2000)


def test_the_first_run_prints_what_it_loaded(served_sample: Served) -> None:
    rows = {m[1]: m[2] for line in served_sample.printed if (m := re.match(r"│ (\w+) +│ +([\d,]+) │", line))}
    assert rows == {t.name: f"{t.size:,}" for t in load.TABLES} | {"all": "367,687"}


def test_there_is_a_line_for_each_method() -> None:
    methods = flight_service_pb2.DESCRIPTOR.services_by_name["FlightService"].methods_by_name
    called = [line.rpartition("/")[2] for line in lines("127.0.0.1:1")[2:]]
    assert sorted(called) == sorted(methods)


def test_the_table_adds_up() -> None:
    console = Console(width=100, file=io.StringIO())
    with console.capture() as shown:
        console.print(loaded_table([Loaded("A", 1.0, 1, 2, 3), Loaded("B", 3.0, 4, 0, 2)]))
    assert re.search(r"all +│ +12 │ +5 │ +2 │ +5 │ +4.00 │ +3", shown.get())


def test_without_a_gateway_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "READY", 0.2)
    done = CliRunner().invoke(load.main, ["--target", "127.0.0.1:1"])
    assert done.exit_code == 1
    assert "no gateway answers at 127.0.0.1:1" in done.output


async def test_a_server_of_others_is_not_loaded(served_sample: Served, databases: Databases) -> None:
    """Where another gateway has the port, that one would answer, and be loaded."""
    own = {"ROWGATE_LISTEN": served_sample.target, "ROWGATE_DSN": await databases.empty()}
    process = await create_subprocess_exec(
        *(sys.executable, "-m", "examples.flights.run"),
        cwd=ROOT,
        env=environment(**own),
        stdout=PIPE,
        stderr=STDOUT,
    )
    told = (await process.communicate())[0].decode().splitlines()
    assert process.returncode == 1
    assert told[-2].startswith(f"Error: can't listen on {served_sample.target}")
    assert not [line for line in told if line.startswith(("Loaded", "Loading", "Calls to copy"))]


def test_make_run_is_what_the_tests_serve() -> None:
    """The shared sample stands for `make run`: the recipe is the module that it starts."""
    recipe = re.search(r"^run:.*\n\t@(.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert recipe is not None
    assert recipe[1] == "$(BIN)/python -m examples.flights.run"


def test_settings_of_the_sample_are_its_folders() -> None:
    settings = tomllib.loads((ROOT / "rowgate.toml").read_text())
    assert settings == {"schema": {"protos": "protos", "migrations": "migrations"}}
