"""The checker of histories: a program in Go around porcupine, which `make test-tools` builds."""

import asyncio
import json
from asyncio.subprocess import PIPE, create_subprocess_exec
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.histories.recorded import History

PROGRAM = "linearizable"
LIMIT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the checker says of a history.

    Args:
        name: the history's.
        verdict: `legal`, `illegal`, or `undecided` where its time was up.
        seconds: how long the checker took.
        picture: a page that shows it, where it is not legal.

    """

    name: str
    verdict: str
    seconds: float
    picture: str = ""


async def check(program: Path, histories: Iterable[History], pictures: Path) -> Sequence[Verdict]:
    """Return the verdict of each history."""
    lines = "".join(json.dumps(history.as_json()) + "\n" for history in histories)
    process = await create_subprocess_exec(
        program, "-limit", f"{LIMIT_SECONDS}s", "-pictures", pictures, stdin=PIPE, stdout=PIPE
    )
    try:
        printed, _ = await process.communicate(lines.encode())
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    assert process.returncode == 0
    return [Verdict(**json.loads(line)) for line in printed.splitlines()]
