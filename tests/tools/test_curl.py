"""curl against the served sample: REST and Connect on the port of gRPC."""

import asyncio
import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from examples.flights.curl import is_answered
from tests.conftest import GatewayFor
from tests.harness.sample import Sample, free_port
from tests.harness.tools import tool


@pytest.fixture(scope="module")
def curl() -> Path:
    return tool("curl")


def answer(curl: Path, *arguments: str) -> Any:
    """Run curl; return the JSON that it prints; it must succeed, and so must the request."""
    command = [str(curl), "--silent", "--show-error", "--fail-with-body", "--max-time", "30", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return json.loads(done.stdout)


def test_the_printed_lines_work(curl: Path, served_sample: Sample) -> None:
    """Every line that `make run` printed, as a shell runs it."""
    assert is_answered(served_sample.target)
    printed = [shlex.split(line) for line in served_sample.printed if line.startswith("curl ")]
    airline, flights, airport = (answer(curl, *arguments) for _, *arguments in printed)
    assert airline == {"carrier": "UA", "name": "United Air Lines Inc."}
    assert [flight["departureDelayMinutes"] for flight in flights["flights"]] == [483, 427, 424]
    assert airport["name"] == "John F Kennedy Intl"


async def test_over_grpcio_there_is_nothing_to_print(gateway_for: GatewayFor) -> None:
    """What is asked with HTTP/1.1 answers with HTTP/2, or is not there."""
    gateway = await gateway_for("ledger", transport="grpcio")
    for target in (gateway.target, f"127.0.0.1:{free_port()}"):
        assert not await asyncio.to_thread(is_answered, target)


@pytest.mark.parametrize("http", ["--http1.1", "--http2-prior-knowledge"])
def test_http_1_and_2_are_answered_alike(curl: Path, served_sample: Sample, http: str) -> None:
    url = (
        f"http://{served_sample.target}/v1/weather/JFK/2013-01-01T11:00:00Z?read_mask=wind_direction_degrees"
    )
    assert answer(curl, http, url) == {"windDirectionDegrees": 260}


def test_a_row_is_made_changed_and_taken_away(curl: Path, served_sample: Sample) -> None:
    airlines = f"http://{served_sample.target}/v1/airlines"
    made = answer(curl, "--json", '{"carrier": "ZY", "name": "Test"}', airlines)
    changed = answer(curl, "-X", "PATCH", "--json", '{"name": "Tested"}', f"{airlines}/ZY?update_mask=name")
    assert (made["name"], changed["name"]) == ("Test", "Tested")
    assert answer(curl, "-X", "DELETE", f"{airlines}/ZY")["deletedAt"]
    assert answer(curl, f"{airlines}:count?filter=carrier=%22ZY%22") == {}
