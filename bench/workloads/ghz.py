"""Get by key as ghz, which users run, measures it. It costs more CPU than most servers that it loads."""

import json
from collections.abc import Sequence
from pathlib import Path

from bench import contenders, golang
from bench.contenders import GO, ROOT, Contender
from bench.datasets import ITEMS
from bench.measured_load import CpuMeter
from bench.programs import output
from bench.results import Sample
from bench.rounds import Measure, Turn, take_turns
from bench.testbed import Testbed
from bench.workloads.calls import IN_FLIGHT

_PROGRAM = ROOT / ".tools" / "bin" / "ghz"


async def ghz(testbed: Testbed) -> None:
    """Measure many calls in flight, and one at a time."""
    if not _PROGRAM.exists():
        raise RuntimeError("ghz isn't installed: make tools")
    keys = testbed.folder / "keys.json"
    keys.write_text(
        json.dumps([{"id": str(key)} for key in await testbed.fill(ITEMS, testbed.options.stored)])
    )
    async with testbed.running(
        *contenders.rowgates(testbed.dsn, ITEMS.protos),
        (GO, lambda: contenders.go_service(testbed.dsn)),
    ) as running:
        for calls in (IN_FLIGHT, 1):
            turns = [Turn(name_of(calls), c.name, _loading(testbed, c, keys, calls)) for c in running]
            await take_turns(testbed.results, turns, testbed.options.rounds)


def name_of(in_flight: int) -> str:
    """Return the workload's name."""
    return f"Get item by ghz, {in_flight} in flight"


def _loading(testbed: Testbed, contender: Contender, keys: Path, in_flight: int) -> Measure:
    async def measured(share: float) -> Sample:
        seconds = testbed.options.seconds * share
        meter = CpuMeter(testbed, contender)
        report = json.loads(await output(*_command(contender.address, keys, in_flight, seconds)))
        failed = {code: n for code, n in report["statusCodeDistribution"].items() if code != "OK"}
        if failed:
            raise RuntimeError(f"calls failed: {failed}")
        latencies = {entry["percentage"]: entry["latency"] for entry in report["latencyDistribution"]}
        speed = {"rate": report["rps"], "p50": latencies[50] / 1000, "p99": latencies[99] / 1000}
        return speed | meter.a_call(report["count"])

    return measured


def _command(address: str, keys: Path, in_flight: int, seconds: float) -> Sequence[str]:
    return (
        *(str(_PROGRAM), "--insecure", "--format", "json", "--call", ITEMS.path("Get").strip("/")),
        *("--protoset", str(golang.BUILD / "item.binpb"), "--data-file", str(keys)),
        *(
            "--concurrency",
            str(in_flight),
            "--connections",
            str(min(in_flight, 8)),
            "--duration",
            f"{seconds}s",
        ),
        *("--duration-stop", "wait", address),
    )
