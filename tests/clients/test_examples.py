"""The programs of examples/clients do what docs/clients.md says, over a link that loses calls."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, create_subprocess_exec
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from flights.v1.airline_service_pb2 import BulkUpsertAirlinesRequest
from flights.v1.airport_service_pb2 import BulkUpsertAirportsRequest

from examples.flights import data
from examples.flights.load import FLIGHT_KEY
from tests.clients.lossy_link import lossy_link
from tests.conftest import gateways
from tests.harness.browser import told_by
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway
from tests.harness.sample import ROOT, free_port
from tests.harness.tools import tool

SAMPLE = data.Sample(ROOT / data.FOLDER)
EXAMPLES = ROOT / "examples" / "clients"
PAGE = """<!doctype html>
<script type="module">
  // Loses the first two calls of each method, then tells what the client has found.
  import { run } from "./page.js";

  const calls = {};
  const whole = window.fetch;
  window.fetch = async (url, options) => {
    calls[url] = (calls[url] ?? 0) + 1;
    if (calls[url] === 1) throw new TypeError("Failed to fetch");
    return calls[url] === 2 ? new Response("", { status: 503 }) : whole(url, options);
  };
  let told;
  try {
    told = JSON.stringify(await run(new URLSearchParams(location.search).get("gateway")));
  } catch (error) {
    told = JSON.stringify(`failed: ${error}`);
  }
  await whole("/told", { method: "POST", body: told });
</script>
"""
FOUND = {
    "airline": "United Air Lines Inc.",
    "airports": 239,
    "planes": {"stored": 2, "refused": [1]},
    "stored_chunks": 3,
    "flights": 6,
    "refusals": [
        {"code": 5, "reason": "ROW_NOT_FOUND", "fields": []},
        {"code": 3, "reason": "INVALID_FILTER", "fields": ["filter"]},
    ],
}
FLIGHT = {
    "carrier": "UA",
    "origin": "EWR",
    "destination": "SFO",
    "scheduledDepartureTime": "2026-06-01T08:00:00Z",
    "scheduledArrivalTime": "2026-06-01T14:00:00Z",
    "distanceMiles": 2565,
}
CALLS = {
    "GetAirline": 3,
    "ListAirports": 4,
    "BulkUpsertPlanes": 1,
    "IngestFlights": 2,
    "StreamFlights": 2,
}


@pytest.fixture(scope="module")
async def gateway(databases: Databases) -> AsyncIterator[RunningGateway]:
    """Serve the sample's schema with its airlines and airports."""
    async with gateways(databases, transport="http") as start:
        running = await start("../../protos", http_allowed_origins="*")
        airlines = BulkUpsertAirlinesRequest(airlines=SAMPLE.airlines())
        airports = BulkUpsertAirportsRequest(airports=SAMPLE.airports())
        await running.call("flights.v1.AirlineService/BulkUpsertAirlines", airlines)
        await running.call("flights.v1.AirportService/BulkUpsertAirports", airports)
        yield running


async def run(*command: str, **variables: str) -> bytes:
    """Run a program to its end; return what it printed."""
    program = await create_subprocess_exec(*command, env={**os.environ, **variables}, stdout=PIPE)
    async with asyncio.timeout(120):
        printed, _ = await program.communicate()
    assert program.returncode == 0, command
    return printed


async def python(folder: Path) -> tuple[Sequence[str], Mapping[str, str]]:
    """Generate the stubs; return the client's command and variables."""
    protos = [str(path) for path in (ROOT / "protos").rglob("*.proto")]
    paths = [f"--proto_path={path}" for path in (ROOT / "protos", ROOT / "generated" / "googleapis")]
    out = (f"--python_out={folder}", f"--grpc_python_out={folder}")
    await run(sys.executable, "-m", "grpc_tools.protoc", *paths, *out, *protos)
    return (sys.executable, str(EXAMPLES / "python" / "client.py")), {"PYTHONPATH": str(folder)}


async def go(_: Path) -> tuple[Sequence[str], Mapping[str, str]]:
    """Return the client's command, without variables."""
    return (str(tool("flights-client-go")),), {}


async def node(_: Path) -> tuple[Sequence[str], Mapping[str, str]]:
    """Return the client's command, and where it finds modules."""
    modules = ROOT / ".tools" / "node" / "node_modules"
    if not (modules / "@grpc" / "grpc-js").exists():
        pytest.skip("grpc-js isn't installed: `make test-tools` does it where npm is")
    return (str(tool("node")), str(EXAMPLES / "node" / "client.js")), {"NODE_PATH": str(modules)}


async def java(_: Path) -> tuple[Sequence[str], Mapping[str, str]]:
    """Return the client's command, without variables."""
    built = ROOT / ".tools" / "flights-client-java"
    if not built.exists():
        pytest.skip("the client of grpc-java isn't built: `make test-tools` does it where Maven is")
    quick = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
    return (
        str(tool("java")),
        *quick,
        "-cp",
        f"{built}/classes:{built}/dependency/*",
        "example.FlightsClient",
    ), {}


async def rust(_: Path) -> tuple[Sequence[str], Mapping[str, str]]:
    """Return the client's command, without variables."""
    return (str(tool("flights-client-rust")),), {}


@pytest.mark.parametrize("client", [python, go, node, java, rust])
async def test_a_client_does_it_all(client: Any, gateway: RunningGateway, tmp_path: Path) -> None:
    command, variables = await client(tmp_path)
    await gateway.sql("TRUNCATE flight, itinerary_leg, plane, rowgate.ingest")
    async with lossy_link(gateway.target) as (link, target):
        printed = await run(*command, target, **variables)
    assert json.loads(printed) == FOUND
    assert link.calls == CALLS
    assert (link.whole["IngestFlights"], link.whole["StreamFlights"]) == (1, 1)
    assert link.without_deadline.total() == 0
    assert [
        row["flight_number"] for row in await gateway.sql("SELECT flight_number FROM flight ORDER BY 1")
    ] == [*range(9501, 9507)]


async def test_a_page_does_all_but_ingest(gateway: RunningGateway, tmp_path: Path) -> None:
    built = ROOT / ".tools" / "flights-client-browser" / "page.js"
    if not built.exists():
        pytest.skip("the client of Connect-ES isn't built: `make test-tools` does it where npm is")
    folder, origin = tmp_path / "page", f"127.0.0.1:{free_port()}"
    folder.mkdir()
    (folder / "page.js").symlink_to(built)
    (folder / "index.html").write_text(PAGE)
    await gateway.sql("TRUNCATE flight, itinerary_leg, plane, rowgate.ingest")
    flights = [FLIGHT | {"flightNumber": number} for number in range(9501, 9507)]
    await gateway.call(
        "flights.v1.FlightService/BulkUpsertFlights", flights=flights, conflictTarget=FLIGHT_KEY
    )
    told = await asyncio.to_thread(told_by, origin, folder, gateway.target, tmp_path / "profile")
    assert json.loads(told) == {key: found for key, found in FOUND.items() if key != "stored_chunks"}
