"""Get by key as real clients call it: the server's CPU a call, which a slow client doesn't hide."""

import asyncio
import os
import time
from asyncio.subprocess import PIPE

from bench import clients, contenders, usage
from bench.clients import CLIENTS
from bench.contenders import GO, Contender
from bench.figures import ROWGATE, Sample
from bench.ground import Ground
from bench.rounds import Measure, Turn, take_turns
from bench.subjects import PLAIN

IN_FLIGHT = 32
_CALLS_PER_SECOND = 5_000
"""How many calls are made for each second of a load: /proc counts CPU in ticks of 10 ms."""
_MICROS = 1e6


async def real_clients(ground: Ground) -> None:
    """Measure each client against Rowgate and against the Go service."""
    request = PLAIN.message(f"{PLAIN.rpc('Get')}Request")
    keys = await ground.fill(PLAIN, ground.options.stored)
    ready = [request(id=key).SerializeToString() for key in keys]
    clients.write_requests(ready, ground.folder / "get-item.hex")
    async with ground.running(
        (
            ROWGATE,
            lambda: contenders.rowgate(ground.dsn, PLAIN.protos),
        ),
        (GO, lambda: contenders.go_service(ground.dsn)),
    ) as running:
        for name in CLIENTS:
            if not clients.is_built(name):
                ground.figures.fail(name_of(name), RuntimeError("it isn't built: make clients"))
                continue
            turns = [Turn(name_of(name), c.name, _calling(ground, name, c)) for c in running]
            await take_turns(ground.figures, turns, ground.options.rounds)


def name_of(client: str) -> str:
    """Return the work's name."""
    return f"Get item by {client}, {IN_FLIGHT} in flight"


def _calling(ground: Ground, client: str, contender: Contender) -> Measure:
    async def measured(share: float) -> Sample:
        calls = int(_CALLS_PER_SECOND * ground.options.seconds * share)
        before, stored = usage.Service.read(contender.pid), usage.postgres_cpu(ground.postmaster)
        started = time.perf_counter()
        await _call(ground, client, contender, calls)
        seconds = time.perf_counter() - started
        spent = usage.Service.read(contender.pid).since(before)
        postgres = usage.postgres_cpu(ground.postmaster) - stored
        return {
            "cpu": spent.total * _MICROS / calls,
            "cpu_postgres": postgres * _MICROS / calls,
            "rate": calls / seconds,
        }

    return measured


async def _call(ground: Ground, client: str, contender: Contender, calls: int) -> None:
    """Run a client to its end. Raises RuntimeError where a call failed."""
    path, requests = PLAIN.path("Get"), ground.folder / "get-item.hex"
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
