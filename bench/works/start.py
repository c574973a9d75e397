"""From the command to the first call that can be made, the database being up."""

from bench import contenders
from bench.figures import ROWGATE, Sample
from bench.ground import Ground
from bench.rounds import Turn, take_turns
from bench.subjects import PLAIN

START = "start to ready"


async def start(ground: Ground) -> None:
    """Measure `rowgate serve` until it says that it listens; then a connection has to succeed."""

    async def measured(_share: float) -> Sample:
        async with contenders.rowgate(ground.dsn, PLAIN.protos) as contender:
            return {"seconds": contender.seconds}

    await take_turns(ground.figures, [Turn(START, ROWGATE, measured)], ground.options.rounds)
