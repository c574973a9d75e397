"""Single-row calls: Get and Update by key, many in flight and one at a time."""

import random
from collections.abc import Iterator, Sequence
from typing import Any

from bench import contenders, usage
from bench.contenders import BY_HAND, GO, ORM, ROWGATE, Contender
from bench.figures import Sample
from bench.generator import Requests, load
from bench.ground import Ground
from bench.rounds import Measure, take_turns
from bench.subjects import FLIGHTS, PLAIN, Subject
from bench.works.pgbench import PGBENCH, pgbench

IN_FLIGHT = 128
_MICROS = 1e6
_UPDATES = 100_000


async def measure(ground: Ground, verb: str, subject: Subject, in_flight: Sequence[int]) -> None:
    """Measure a method of every contender."""
    keys = await ground.fill(subject, ground.options.stored)
    requests = write_requests(ground, verb, subject, keys)
    async with ground.running(
        (ROWGATE, lambda: contenders.rowgate(ground.dsn, subject.protos)),
        (GO, lambda: contenders.go_service(ground.dsn)),
        (BY_HAND, lambda: contenders.peer(BY_HAND, "asyncpg_service", ground.dsn)),
        (ORM, lambda: contenders.peer(ORM, "orm_service", ground.dsn)),
    ) as running:
        for calls in in_flight:
            ways = {c.name: measure_load(ground, c, requests, calls) for c in running}
            if verb == "Get" and subject is PLAIN:
                ways[PGBENCH] = pgbench(ground, calls)
            await take_turns(ground.figures, name_of(verb, subject, calls), ways, ground.options.rounds)
            _note_transport(ground, running)


def name_of(verb: str, subject: Subject, in_flight: int) -> str:
    """Return the work's name."""
    return f"{verb} {subject.table}, {in_flight} in flight"


def write_requests(ground: Ground, verb: str, subject: Subject, keys: Sequence[Any]) -> Requests:
    """Write the requests that are drawn from: one a key for Get; for Update many, each with another value."""
    made = _gets(subject, keys) if verb == "Get" else _updates(subject, keys)
    file = ground.folder / f"{verb}-{subject.table}.requests"
    return Requests.write(subject.path(verb), made, file)


def _gets(subject: Subject, keys: Sequence[Any]) -> Iterator[Any]:
    request = subject.message(f"{subject.rpc('Get')}Request")
    return (request(id=key) for key in keys)


def _updates(subject: Subject, keys: Sequence[Any]) -> Iterator[Any]:
    draw = random.Random(1)  # noqa: S311 - values, no secrets
    request = subject.message(f"{subject.rpc('Update')}Request")
    for _ in range(_UPDATES):
        new = {"id": draw.choice(keys), subject.changed: draw.randrange(1, 10**6)}
        yield request(update_mask={"paths": [subject.changed]}, **{subject.resource.lower(): new})


def measure_load(ground: Ground, contender: Contender, requests: Requests, in_flight: int) -> Measure:
    """Return what loads a contender and reads what that cost."""

    async def measured(share: float) -> Sample:
        before, stored = usage.Service.read(contender.pid), usage.postgres_cpu(ground.postmaster)
        found = await load(contender.address, requests, in_flight, ground.options.seconds * share)
        spent = usage.Service.read(contender.pid).since(before)
        a_call = _MICROS / max(found.calls, 1)
        return {
            "rate": found.rate,
            **{name: found.latency[name] for name in ("p50", "p99", "p999")},
            "cpu": spent.total * a_call,
            "cpu_python": spent.python * a_call,
            "cpu_envoy": spent.envoy * a_call,
            "cpu_other": spent.other * a_call,
            "cpu_postgres": (usage.postgres_cpu(ground.postmaster) - stored) * a_call,
            "cpu_load": found.cpu * a_call,
            "memory": usage.resident(contender.pid),
        }

    return measured


def _note_transport(ground: Ground, running: Sequence[Contender]) -> None:
    for contender in running:
        if contender.name == ROWGATE:
            ground.figures.facts["transport"] = contender.said.partition(" by ")[2]


async def gets(ground: Ground) -> None:
    """Get by key, of plain rows and of flights."""
    for subject in (PLAIN, FLIGHTS):
        await measure(ground, "Get", subject, (IN_FLIGHT, 1))


async def updates(ground: Ground) -> None:
    """Update by key, durable, of plain rows and of flights."""
    for subject in (PLAIN, FLIGHTS):
        await measure(ground, "Update", subject, (IN_FLIGHT,))
