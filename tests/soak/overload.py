"""Loads from half to ten times the capacity, over each transport: a table of what became of them.

python -m tests.soak.overload [--seconds N]

The first two are slow by PostgreSQL's clock. The third is what the processor makes answers of, as fast as it
is, up to twice that: over grpcio it is shown and not judged, as calls wait in grpc core there (decision 24).
Calls that are refused when they come are told apart from those that have waited and are dropped. How long
refusals take is told twice: as their clients see it, and from the moment that a call left until its answer
was in the client's socket, by the kernel's stamp. The rest is the clients' own, which have the same
processors; so the second is judged. How long dropped calls were at the server is a part of their deadline.

Exit status 1 says that a line fell short: goodput below 85 % of the peak from the capacity on, a hundredth of
the calls that are refused when they come later than 20 ms (of the third load half of them: its processor is
busy, and maybe not with us alone), dropped later than their deadline, a refusal without RetryInfo, or no full
goodput within two seconds after the load.
"""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from tests.harness.databases import Databases, forgetful_databases
from tests.harness.gateway import RunningGateway, start_gateway
from tests.overload.generator import Offer, offer
from tests.overload.load import Outcome
from tests.overload.papers import capacity_of, papers
from tests.overload.slow import ROWS, fill, fill_papers, slow_rows, slow_statements

FACTORS = (0.5, 1, 2, 5, 10)
TRANSPORTS = ("http", "grpcio")
LEAST = 0.85
PROMPT = 0.02
LATE = 0.1
"""Of a deadline: who waits is looked for once in 10 ms."""
OF_PROCESSOR = "documents"
MEMBERS = 200
RECOVERY = 2.0
DEADLINES = (0.15, 0.35)
COLUMNS = (
    "load",
    "transport",
    "offered",
    "goodput",
    "of the capacity",
    "p50",
    "p99",
    "refused",
    "p50",
    "p99",
    "p50 at the server",
    "p99 at the server",
    "dropped",
    "p99 of its deadline",
    "recovered",
)


@dataclass(frozen=True, slots=True)
class Load:
    """A kind of call, and what the database answers of it.

    Args:
        name: of the line.
        path: `/package.Service/Method`.
        capacity: calls a second.
        seconds: of a statement, or of a row where calls share statements.
        shared: whether they do.

    """

    name: str
    path: str
    capacity: float
    seconds: float
    shared: bool

    async def prepare(self, gateway: RunningGateway) -> list[str]:
        """Make the table slow; return the requests, in hexadecimal digits."""
        await fill(gateway)
        if not self.shared:
            await slow_statements(gateway, "task", self.seconds)
            return [gateway.client.message("busy.v1.ListTasksRequest", page_size=1).SerializeToString().hex()]
        await slow_rows(gateway, "task", self.seconds)
        rows = [gateway.client.message("busy.v1.GetTaskRequest", id=n + 1) for n in range(ROWS)]
        return [row.SerializeToString().hex() for row in rows]


LOADS = (
    # Of eight connections one table has five; four statements are shared at once.
    Load("slow statements", "/busy.v1.TaskService/ListTasks", 5 / 0.1, 0.1, shared=False),
    Load("shared reads", "/busy.v1.TaskService/GetTask", 4 / 0.05, 0.05, shared=True),
)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the table: a load at a multiple of its capacity, and the time after it."""

    load: Load
    transport: str
    factor: float
    capacity: float
    """Calls a second, of which the load offered so many times; of the third load the lesser of what was
    answered before and after it, as other work makes the machine slower for a while."""
    outcome: Outcome
    recovered: float
    """Goodput after it, of what was offered."""

    def __str__(self) -> str:
        outcome = self.outcome
        cells = (
            self.load.name,
            self.transport,
            f"{self.factor:g}x = {len(outcome.calls) / outcome.seconds:.0f}/s",
            f"{outcome.goodput:.1f}/s",
            f"{self.goodput:.0%}",
            *(f"{1000 * outcome.latency(share):.0f} ms" for share in (0.5, 0.99)),
            f"{sum(call.refused and not call.dropped for call in outcome.calls)} of {len(outcome.calls)}",
            *(f"{1000 * outcome.refusal(share):.1f} ms" for share in (0.5, 0.99)),
            *(f"{1000 * outcome.refusal_at_server(share):.1f} ms" for share in (0.5, 0.99)),
            f"{sum(call.dropped for call in outcome.calls)}",
            f"{100 * outcome.drop(0.99):.0f} %",
            f"{100 * self.recovered:.0f} %",
        )
        return f"| {' | '.join(cells)} |"

    @property
    def is_prompt(self) -> bool:
        """Whether calls are refused as soon as they are to be."""
        share = 0.5 if self.load.name == OF_PROCESSOR else 0.99
        return self.outcome.refusal_at_server(share) <= PROMPT

    @property
    def goodput(self) -> float:
        """What was answered in time, of the capacity."""
        return self.outcome.goodput / self.capacity

    def failure(self, peak: float) -> str:
        """Return what fell short of the best line's goodput and of all else; empty where nothing did."""
        if self.factor >= 1 and self.goodput < LEAST * peak:
            return f"goodput of {self.goodput:.0%} of the capacity, where {peak:.0%} were reached"
        refused = [call for call in self.outcome.calls if call.refused]
        if not self.is_prompt:
            return "late refusals"
        if self.outcome.drop(0.99) > 1 + LATE:
            return "dropped past the deadline"
        if not all(call.retry_after for call in refused):
            return "refusals without RetryInfo"
        return "" if self.recovered > LEAST else "no full goodput two seconds after the load"


async def measure(load: Load, transport: str, databases: Databases, seconds: float) -> list[Line]:
    """Offer all multiples of the capacity, one after the other."""
    gateway = await start_gateway("busy", databases, transport=transport, apart=True)
    try:
        bodies = await load.prepare(gateway)

        async def offered(rate: float, seconds: float) -> Outcome:
            return await offer(Offer(gateway.target, load.path, bodies, rate, seconds, DEADLINES))

        lines = []
        for factor in FACTORS:
            outcome = await offered(factor * load.capacity, seconds)
            recovered = share_of(await offered(0.7 * load.capacity, 2 * RECOVERY))
            lines.append(Line(load, transport, factor, load.capacity, outcome, recovered))
            click.echo(str(lines[-1]))
        return lines
    finally:
        await gateway.stop()


def share_of(after: Outcome) -> float:
    """Return which part of the calls was answered, of those made two seconds after a load."""
    late = after.within(RECOVERY, 2 * RECOVERY)
    return late.goodput / (len(late.calls) / late.seconds)


def failures(lines: Sequence[Line]) -> list[str]:
    """Return what fell short."""
    peak = min(1, max(line.goodput for line in lines))
    found = ((line, line.failure(peak)) for line in lines)
    return [
        f"{line.load.name}, {line.transport}, {line.factor:g}x: {failure}"
        for line, failure in found
        if failure
    ]


async def measure_processor(transport: str, databases: Databases, seconds: float) -> list[Line]:
    """Offer up to twice what the processor answers."""
    gateway = await start_gateway("busy", databases, transport=transport, apart=True)
    try:
        await fill_papers(gateway, MEMBERS)
        await papers(gateway, 100, 1)
        load = Load(OF_PROCESSOR, "", 0, 0, shared=True)
        lines = []
        for factor in FACTORS[:3]:
            before = await capacity_of(gateway)
            outcome = await papers(gateway, factor * before, seconds, DEADLINES)
            recovered = share_of(await papers(gateway, 0.7 * before, 2 * RECOVERY, DEADLINES))
            capacity = min(before, await capacity_of(gateway))
            lines.append(Line(load, transport, factor, capacity, outcome, recovered))
            click.echo(str(lines[-1]))
        return lines
    finally:
        await gateway.stop()


async def run(folder: Path, seconds: float) -> list[str]:
    """Measure all loads over all transports; return what fell short."""
    with forgetful_databases(folder) as databases:
        found: list[str] = []
        for load in LOADS:
            for transport in TRANSPORTS:
                found += failures(await measure(load, transport, databases, seconds))
        found += failures(await measure_processor("http", databases, seconds))
        await measure_processor("grpcio", databases, seconds)
        return found


@click.command()
@click.option("--seconds", default=10.0, show_default=True, help="Time of each load.")
def main(seconds: float) -> None:
    """Print the table, and what fell short."""
    click.echo(f"| {' | '.join(COLUMNS)} |")
    click.echo("|" + "---|" * len(COLUMNS))
    with TemporaryDirectory(prefix="rowgate-overload-") as folder:
        found = asyncio.run(run(Path(folder), seconds))
    for failure in found:
        click.echo(f"short: {failure}", err=True)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
