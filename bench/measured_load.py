"""Loads a contender and reads what that cost, in it and in PostgreSQL."""

import asyncio
from dataclasses import replace

from bench import usage
from bench.contenders import Contender
from bench.load_generator import Load, Loaded, load
from bench.results import Sample
from bench.rounds import Measure
from bench.testbed import Testbed

_MICROS = 1e6
_LOOK_SECONDS = 0.25


def loading(testbed: Testbed, contender: Contender, asked: Load) -> Measure:
    """Return what loads a contender."""

    async def measured(share: float) -> Sample:
        before, stored = usage.Service.read(contender.pid), usage.postgres_cpu(testbed.postmaster)
        found, memory = await _load(contender, replace(asked, seconds=asked.seconds * share))
        if found.failures:
            some = f"some calls of {contender.name}, {asked.in_flight} in flight"
            testbed.results.fail(some, RuntimeError(f"{found.failures}, by status, of {found.calls}"))
        spent = usage.Service.read(contender.pid).since(before)
        postgres = usage.postgres_cpu(testbed.postmaster) - stored
        return {**_speed(found), **_cost(found, spent, postgres), "memory": memory}

    return measured


async def _load(contender: Contender, asked: Load) -> tuple[Loaded, float]:
    """Load; return what was found, and the most memory that was seen."""
    loaded = asyncio.ensure_future(load(contender.address, asked))
    memory = 0.0
    try:
        while not loaded.done():
            memory = max(memory, usage.resident(contender.pid))
            await asyncio.wait([loaded], timeout=_LOOK_SECONDS)
    finally:
        loaded.cancel()
    return await loaded, memory


def _speed(found: Loaded) -> Sample:
    return {"rate": found.rate, **{name: found.latency[name] for name in ("p50", "p99", "p999", "mean")}}


def _cost(found: Loaded, spent: usage.Parts, postgres: float) -> Sample:
    """Return µs of CPU a call."""
    seconds = {
        "cpu": spent.total,
        "cpu_python": spent.python,
        "cpu_other": spent.other,
        "cpu_postgres": postgres,
        "cpu_both": spent.total + postgres,
        "cpu_load": found.cpu,
    }
    return {name: used * _MICROS / max(found.calls, 1) for name, used in seconds.items()}
