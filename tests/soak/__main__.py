"""The soaks whole, one after the other, each in a process of its own and within its time.

python -m tests.soak [NAME …]
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import click

from tests.harness.sample import ROOT

_CLOSING_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Soak:
    """A program whose exit status says whether what it tries held.

    Args:
        module: of the program.
        arguments: its size.
        minutes: that it may take; beyond them it is ended, and has failed.

    """

    module: str
    arguments: tuple[str, ...]
    minutes: float


SOAKS: Mapping[str, Soak] = {
    "dear": Soak("tests.soak.dear", (), minutes=10),
    "cancels": Soak("tests.soak.cancels", ("10000",), minutes=20),
    "ingest": Soak("tests.soak.ingest", ("--rows", "10000000", "--kills", "30"), minutes=30),
    "stream": Soak("tests.soak.stream", ("--rows", "10000000"), minutes=15),
    "schemas": Soak("tests.generated_schemas", ("--schemas", "2000"), minutes=60),
    "faults": Soak("tests.soak.faults", (), minutes=40),
    "foreign": Soak("tests.soak.foreign", (), minutes=60),
    "overload": Soak("tests.soak.overload", (), minutes=15),
    "fairness": Soak("tests.soak.fairness", (), minutes=8),
    "migrations": Soak("tests.soak.migrations", (), minutes=10),
    "money": Soak("tests.soak.money", ("--transfers", "20000", "--kills", "30"), minutes=40),
    "policies": Soak("tests.row_policies", ("--cases", "10000"), minutes=40),
    "replicas": Soak("tests.soak.replicas", ("--reads", "1000000"), minutes=30),
    "queries": Soak("tests.queries_oracle", ("--cases", "20000"), minutes=60),
    "filters": Soak("tests.soak.filters", ("--filters", "1000000"), minutes=90),
    "failover": Soak("tests.soak.failover", ("--faults", "50"), minutes=40),
    "histories": Soak("tests.histories", ("--minutes", "60"), minutes=75),
}
"""All of them, in the order in which they run."""


def run(soak: Soak) -> str:
    """Run it; return what went wrong, empty where nothing did."""
    command = (sys.executable, "-m", soak.module, *soak.arguments)
    # A session of its own: what it started can be ended with it.
    process = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
    try:
        status = process.wait(60 * soak.minutes)
    except subprocess.TimeoutExpired:
        return f"not done within {soak.minutes:g} minutes"
    finally:
        _end(process)
    return f"exit status {status}" if status else ""


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let it close what it opened, as Ctrl-C does; kill it and its processes where it doesn't."""
    process.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_CLOSING_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@click.command()
@click.argument("names", nargs=-1, metavar=f"[{'|'.join(SOAKS)}]…", type=click.Choice(list(SOAKS)))
def main(names: Sequence[str]) -> None:
    """Run the soaks named, or all of them; the exit status says whether all held."""
    failed = {}
    for name in names or SOAKS:
        click.secho(f"{name}: at most {SOAKS[name].minutes:g} minutes", bold=True)
        begun = time.monotonic()
        failed[name] = run(SOAKS[name])
        click.echo(f"{name}: {failed[name] or 'held'}, {time.monotonic() - begun:.0f} s")
    if any(failed.values()):
        raise SystemExit("did not hold: " + ", ".join(name for name, fault in failed.items() if fault))


if __name__ == "__main__":
    main()
