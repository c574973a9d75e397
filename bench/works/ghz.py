"""Get by key as ghz, which users run, measures it. It costs more CPU than most servers that it loads."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import contenders, golang
from bench.contenders import BY_HAND, GO, ROOT, Contender
from bench.figures import ROWGATE, Sample
from bench.ground import Ground
from bench.rounds import Measure, Turn, take_turns
from bench.subjects import PLAIN
from bench.works.calls import IN_FLIGHT

GHZ = "Get item, by ghz"
_PROGRAM = ROOT / ".tools" / "bin" / "ghz"


async def ghz(ground: Ground) -> None:
    """Measure with 128 calls in flight."""
    if not _PROGRAM.exists():
        raise RuntimeError("ghz isn't installed: make tools")
    keys = ground.folder / "keys.json"
    keys.write_text(json.dumps([{"id": str(key)} for key in await ground.fill(PLAIN, ground.options.stored)]))
    async with ground.running(
        (ROWGATE, lambda: contenders.rowgate(ground.dsn, PLAIN.protos)),
        (GO, lambda: contenders.go_service(ground.dsn)),
        (BY_HAND, lambda: contenders.peer(BY_HAND, "asyncpg_service", ground.dsn)),
    ) as running:
        turns = [Turn(GHZ, contender.name, _loading(ground, contender, keys)) for contender in running]
        await take_turns(ground.figures, turns, ground.options.few)


def _loading(ground: Ground, contender: Contender, keys: Path) -> Measure:
    async def measured(share: float) -> Sample:
        report = await _run(_command(contender.address, keys, ground.options.seconds * share))
        failed = {code: n for code, n in report["statusCodeDistribution"].items() if code != "OK"}
        if failed:
            raise RuntimeError(f"calls failed: {failed}")
        latencies = {entry["percentage"]: entry["latency"] for entry in report["latencyDistribution"]}
        return {"rate": report["rps"], "p50": latencies[50] / 1000, "p99": latencies[99] / 1000}

    return measured


def _command(address: str, keys: Path, seconds: float) -> Sequence[str]:
    return (
        *(str(_PROGRAM), "--insecure", "--format", "json", "--call", PLAIN.path("Get").strip("/")),
        *("--protoset", str(golang.BUILD / "item.binpb"), "--data-file", str(keys)),
        *("--concurrency", str(IN_FLIGHT), "--connections", "8", "--duration", f"{seconds}s"),
        *("--duration-stop", "wait", address),
    )


async def _run(command: Sequence[str]) -> Any:
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"ghz ended with {process.returncode}")
    return json.loads(output)
