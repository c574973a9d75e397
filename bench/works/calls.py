"""Single-row calls: Get and Update by key, many in flight and one at a time."""

import random
from collections.abc import Iterator, Sequence
from typing import Any

from bench import contenders
from bench.contenders import BY_HAND, GO, ORM
from bench.figures import ROWGATE
from bench.generator import Load, Requests
from bench.ground import Ground
from bench.loading import loading
from bench.rounds import Turn, take_turns
from bench.subjects import FLIGHTS, PLAIN, Subject
from bench.works.pgbench import PGBENCH, pgbench

IN_FLIGHT = 128
_UPDATES = 100_000


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
    async with ground.running(
        (ROWGATE, lambda: contenders.rowgate(ground.dsn, subject.protos)),
        (GO, lambda: contenders.go_service(ground.dsn)),
        (BY_HAND, lambda: contenders.peer(BY_HAND, "asyncpg_service", ground.dsn)),
        (ORM, lambda: contenders.peer(ORM, "orm_service", ground.dsn)),
    ) as running:
        for calls in in_flight:
            work = name_of(verb, subject, calls)
            asked = Load(requests, calls, ground.options.seconds)
            turns = [Turn(work, c.name, loading(ground, c, asked)) for c in running]
            if verb == "Get" and subject is PLAIN:
                turns.append(Turn(work, PGBENCH, pgbench(ground, calls)))
            await take_turns(ground.figures, turns, ground.options.rounds)


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
