"""PostgreSQL's own load: the same read by key, sent by pgbench. The floor below every server."""

import re
from collections.abc import Sequence
from pathlib import Path

from bench import usage
from bench.programs import output
from bench.results import Sample
from bench.rounds import Measure
from bench.testbed import Testbed

PGBENCH = "pgbench -M prepared"
_SCRIPT = """\\set id random(1, {rows})
SELECT id, name, price, seen_time, quantity FROM item WHERE id = :id;
"""
# It counts the time that its clients take to connect.
_LEAST_SECONDS = 2
_RATE = re.compile(r"^tps = ([\d.]+)", re.MULTILINE)
_MEAN = re.compile(r"^latency average = ([\d.]+) ms", re.MULTILINE)
_CALLS = re.compile(r"^number of transactions actually processed: (\d+)", re.MULTILINE)


def pgbench(testbed: Testbed, clients: int) -> Measure:
    """Return what runs pgbench with so many clients, each with a connection of its own."""
    script = testbed.folder / "get.pgbench"
    script.write_text(_SCRIPT.format(rows=testbed.options.stored))

    async def measured(share: float) -> Sample:
        stored = usage.postgres_cpu(testbed.postmaster)
        said = await output(*_command(testbed, script, clients, testbed.options.seconds * share))
        calls = float(_found(_CALLS, said))
        return {
            "rate": float(_found(_RATE, said)),
            "mean": float(_found(_MEAN, said)) * 1000,
            "cpu_postgres": (usage.postgres_cpu(testbed.postmaster) - stored) * 1e6 / calls,
        }

    return measured


def _command(testbed: Testbed, script: Path, clients: int, seconds: float) -> Sequence[str]:
    programs = Path(f"/proc/{testbed.postmaster}/exe").resolve().parent
    return (
        str(programs / "pgbench"),
        *("--no-vacuum", "--protocol", "prepared", "--file", str(script)),
        *("--client", str(clients), "--jobs", "2" if clients > 1 else "1"),
        *("--time", str(max(round(seconds), _LEAST_SECONDS)), testbed.dsn),
    )


def _found(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    if found is None:
        raise RuntimeError(f"pgbench said nothing of {pattern.pattern}")
    return found[1]
