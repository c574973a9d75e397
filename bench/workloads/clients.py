"""Get by key as real clients call it: the server's CPU a call, which a slow client doesn't hide."""

import asyncio
import os
import time
from asyncio.subprocess import PIPE

from bench import clients, contenders
from bench.clients import CLIENTS
from bench.contenders import GO, Contender
from bench.datasets import ITEMS
from bench.measured_load import CpuMeter
from bench.results import ROWGATE, Sample
from bench.rounds import Measure, Turn, take_turns
from bench.testbed import Testbed

IN_FLIGHT = 32
_CALLS_PER_SECOND = 5_000
"""How many calls are made for each second of a load: /proc counts CPU in ticks of 10 ms."""


async def real_clients(testbed: Testbed) -> None:
    """Measure each client against Rowgate and against the Go service."""
    request = ITEMS.message(f"{ITEMS.rpc('Get')}Request")
    keys = await testbed.fill(ITEMS, testbed.options.stored)
    ready = [request(id=key).SerializeToString() for key in keys]
    clients.write_requests(ready, testbed.folder / "get-item.hex")
    async with testbed.running(
        (
            ROWGATE,
            lambda: contenders.rowgate(testbed.dsn, ITEMS.protos),
        ),
        (GO, lambda: contenders.go_service(testbed.dsn)),
    ) as running:
        for name in CLIENTS:
            if not clients.is_built(name):
                testbed.results.fail(name_of(name), RuntimeError("it isn't built: make clients"))
                continue
            turns = [Turn(name_of(name), c.name, _calling(testbed, name, c)) for c in running]
            await take_turns(testbed.results, turns, testbed.options.rounds)


def name_of(client: str) -> str:
    """Return the workload's name."""
    return f"Get item by {client}, {IN_FLIGHT} in flight"


def _calling(testbed: Testbed, client: str, contender: Contender) -> Measure:
    async def measured(share: float) -> Sample:
        calls = int(_CALLS_PER_SECOND * testbed.options.seconds * share)
        meter, started = CpuMeter(testbed, contender), time.perf_counter()
        await _call(testbed, client, contender, calls)
        return {"rate": calls / (time.perf_counter() - started), **meter.a_call(calls)}

    return measured


async def _call(testbed: Testbed, client: str, contender: Contender, calls: int) -> None:
    """Run a client to its end. Raises RuntimeError where a call failed."""
    path, requests = ITEMS.path("Get"), testbed.folder / "get-item.hex"
    process = await asyncio.create_subprocess_exec(
        *clients.command(client, contender.address, path, requests, calls=calls, in_flight=IN_FLIGHT),
        env={**os.environ, **clients.ENVIRONMENT},
        stdout=PIPE,
    )
    try:
        printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    clients.answered(printed.decode())
