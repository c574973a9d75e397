"""From the command to the first call that can be made, the database being up."""

from bench import contenders
from bench.datasets import ITEMS
from bench.results import ROWGATE, Sample
from bench.rounds import Turn, take_turns
from bench.testbed import Testbed

START = "start to ready"


async def start(testbed: Testbed) -> None:
    """Measure `rowgate serve` until it says that it listens; then a connection has to succeed."""

    async def measured(_share: float) -> Sample:
        async with contenders.rowgate(testbed.dsn, ITEMS.protos) as contender:
            return {"seconds": contender.seconds}

    await take_turns(testbed.results, [Turn(START, ROWGATE, measured)], testbed.options.rounds)
