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


class CpuMeter:
    """Reads what a contender and PostgreSQL use of the processors from now on."""

    def __init__(self, testbed: Testbed, contender: Contender) -> None:
        self._contender, self._postmaster = contender.pid, testbed.postmaster
        self._before = usage.Service.read(contender.pid)
        self._postgres_before = usage.postgres_cpu(testbed.postmaster)

    def a_call(self, calls: int) -> dict[str, float]:
        """Return the µs of CPU for each of so many calls."""
        spent = usage.Service.read(self._contender).since(self._before)
        postgres = usage.postgres_cpu(self._postmaster) - self._postgres_before
        seconds = {
            "cpu": spent.total,
            "cpu_python": spent.python,
            "cpu_other": spent.other,
            "cpu_postgres": postgres,
            "cpu_both": spent.total + postgres,
        }
        return {name: used * _MICROS / max(calls, 1) for name, used in seconds.items()}


def loading(testbed: Testbed, contender: Contender, asked: Load) -> Measure:
    """Return what loads a contender."""

    async def measured(share: float) -> Sample:
        meter = CpuMeter(testbed, contender)
        found, memory = await _load(contender, replace(asked, seconds=asked.seconds * share))
        if found.failures:
            some = f"some calls of {contender.name}, {asked.in_flight} in flight"
            testbed.results.fail(some, RuntimeError(f"{found.failures}, by status, of {found.calls}"))
        costs = meter.a_call(found.calls) | {"cpu_load": found.cpu * _MICROS / max(found.calls, 1)}
        return {**_speed(found), **costs, "memory": memory}

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
