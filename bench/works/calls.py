"""Single-row calls: Get and Update by key, many in flight and one at a time."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from bench import contenders
from bench.agreement import compare
from bench.contenders import BY_HAND, GO, ORM, POSTGRAPHILE, Contender
from bench.generator import Load, Requests
from bench.ground import Ground
from bench.loading import loading
from bench.rounds import Turn, take_turns
from bench.subjects import FLIGHTS, PLAIN, Subject
from bench.works.pgbench import PGBENCH, pgbench

IN_FLIGHT = 128
_UPDATES = 100_000
_GRAPHQL = "query Get($id: BigInt!) { itemById(id: $id) { id name price seenTime quantity } }"


async def gets(ground: Ground) -> None:
    """Measure Get by key, of plain rows and of flights."""
    for subject in (PLAIN, FLIGHTS):
        await _measure(ground, "Get", subject, (IN_FLIGHT, 1))


async def updates(ground: Ground) -> None:
    """Measure Update by key, durable, of plain rows and of flights."""
    for subject in (PLAIN, FLIGHTS):
        await _measure(ground, "Update", subject, (IN_FLIGHT,))


def name_of(verb: str, subject: Subject, in_flight: int) -> str:
    """Return the work's name."""
    return f"{verb} {subject.table}, {in_flight} in flight"


async def _measure(ground: Ground, verb: str, subject: Subject, in_flight: Sequence[int]) -> None:
    keys = await ground.fill(subject, ground.options.stored)
    requests = (gets_of if verb == "Get" else updates_of)(ground, subject, keys)
    plain_get = verb == "Get" and subject is PLAIN
    async with ground.running(*_servers(ground, subject, plain_get=plain_get)) as running:
        await compare(ground.figures, running, subject, keys[0])
        for calls in in_flight:
            work = name_of(verb, subject, calls)
            asked = Load(requests, calls, ground.options.seconds)
            turns = [
                Turn(work, c.name, loading(ground, c, _as_spoken(ground, c, asked, keys))) for c in running
            ]
            if plain_get:
                turns.append(Turn(work, PGBENCH, pgbench(ground, calls)))
            await take_turns(ground.figures, turns, ground.options.rounds)


def _servers(ground: Ground, subject: Subject, *, plain_get: bool) -> Iterator[tuple[str, contenders.Start]]:
    yield from contenders.rowgates(ground.dsn, subject.protos)
    yield GO, lambda: contenders.go_service(ground.dsn)
    yield BY_HAND, lambda: contenders.peer(BY_HAND, "asyncpg_service", ground.dsn)
    yield ORM, lambda: contenders.peer(ORM, "orm_service", ground.dsn)
    if plain_get:
        yield POSTGRAPHILE, lambda: contenders.postgraphile(ground.dsn)


def _as_spoken(ground: Ground, contender: Contender, asked: Load, keys: Sequence[Any]) -> Load:
    """Return the load in the contender's language: PostGraphile speaks GraphQL."""
    if contender.name != POSTGRAPHILE:
        return asked
    bodies = (json.dumps({"query": _GRAPHQL, "variables": {"id": str(key)}}).encode() for key in keys)
    requests = Requests.write_bodies("/graphql", bodies, ground.folder / "graphql.requests")
    return replace(asked, requests=requests, http1=True)


def gets_of(ground: Ground, subject: Subject, keys: Sequence[Any]) -> Requests:
    """Write a Get for each key."""
    request = subject.message(f"{subject.rpc('Get')}Request")
    file = ground.folder / f"get-{subject.table}.requests"
    return Requests.write(subject.path("Get"), (request(id=key) for key in keys), file)


def updates_of(ground: Ground, subject: Subject, keys: Sequence[Any]) -> Requests:
    """Write many Updates of one field, each with another value."""
    request = subject.message(f"{subject.rpc('Update')}Request")
    draw = random.Random(1)  # noqa: S311 - values, no secrets

    def made() -> Iterator[Any]:
        for _ in range(_UPDATES):
            new = {"id": draw.choice(keys), subject.changed: draw.randrange(1, 10**6)}
            yield request(update_mask={"paths": [subject.changed]}, **{subject.resource.lower(): new})

    file = ground.folder / f"update-{subject.table}.requests"
    return Requests.write(subject.path("Update"), made(), file)
