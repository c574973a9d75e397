"""The start of a server, until the first call can be made, and its memory while it is idle."""

from bench import contenders, usage
from bench.datasets import ITEMS
from bench.results import ROWGATE, Sample
from bench.rounds import Turn, take_turns
from bench.testbed import Testbed

START = "start to ready"


async def start(testbed: Testbed) -> None:
    """Measure `rowgate serve` until it says that it listens; then a connection has to succeed."""

    async def measured(_share: float) -> Sample:
        async with contenders.rowgate(testbed.dsn, ITEMS.protos) as contender:
            return {"seconds": contender.seconds, "memory": usage.largest(contender.pid)}

    turns = [Turn(START, ROWGATE, measured)]
    await take_turns(testbed.results, turns, testbed.options.rounds, warm_up=False)
