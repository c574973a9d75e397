"""What processes have used, as /proc tells it: CPU by part, and memory.

Linux only. /proc counts CPU in ticks of 10 ms: over a load of seconds that is exact enough.
"""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_MEBIBYTE = 2**20
_USER, _CHILDREN = slice(11, 13), slice(11, 15)  # of the fields behind the name: utime, stime, cutime, cstime

Thread = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Parts:
    """CPU seconds of a service between two moments.

    Args:
        total: all threads of all its processes.
        python: of each process, its busiest thread: in Python, the one that runs Python.

    """

    total: float
    python: float

    @property
    def other(self) -> float:
        """What is left: pollers, timers, signals."""
        return max(self.total - self.python, 0.0)


@dataclass(frozen=True, slots=True)
class Service:
    """A reading of a service's processes."""

    processes: Mapping[int, float]
    threads: Mapping[Thread, float]

    @classmethod
    def read(cls, pid: int) -> "Service":
        """Read the process and its descendants."""
        processes: dict[int, float] = {}
        threads: dict[Thread, float] = {}
        for process in tree(pid):
            with suppress(OSError):
                processes[process] = _cpu(Path(f"/proc/{process}/stat"), _USER)
                threads |= {(process, thread): used for thread, used in _threads(process)}
        return cls(processes, threads)

    def since(self, before: "Service") -> Parts:
        """Return what was used since an earlier reading."""
        total = sum(used - before.processes.get(pid, 0.0) for pid, used in self.processes.items())
        busiest = defaultdict[int, float](float)
        for thread, used in self.threads.items():
            busiest[thread[0]] = max(busiest[thread[0]], used - before.threads.get(thread, 0.0))
        return Parts(total, sum(busiest.values()))


def postgres_cpu(postmaster: int) -> float:
    """Return the CPU seconds of the postmaster and its children, those that have ended included."""
    while True:
        children = set(tree(postmaster)) - {postmaster}
        used = 0.0
        for process in children:
            with suppress(OSError):
                used += _cpu(Path(f"/proc/{process}/stat"), _USER)
        used += _cpu(Path(f"/proc/{postmaster}/stat"), _CHILDREN)
        # One that ended meanwhile may be missing here, or counted twice.
        if children == set(tree(postmaster)) - {postmaster}:
            return used


def resident(pid: int) -> float:
    """Return the MiB of memory that the process and its descendants hold. Shared pages count in each."""
    return sum(_resident(process) for process in tree(pid))


def largest(pid: int) -> float:
    """Return the MiB of memory of the largest among the process and its descendants: of a worker."""
    return max(_resident(process) for process in tree(pid))


def tree(pid: int) -> Iterator[int]:
    """Yield a process and its descendants."""
    yield pid
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in listed.read_text().split():
                yield from tree(int(child))


def _threads(pid: int) -> Iterator[tuple[int, float]]:
    for folder in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):
            yield int(folder.name), _cpu(folder / "stat", _USER)


def _resident(pid: int) -> float:
    """Return the MiB of one process; 0 where it has ended."""
    with suppress(OSError):
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / _MEBIBYTE
    return 0.0


def _cpu(stat: Path, fields: slice) -> float:
    # The name, in brackets, may hold anything.
    behind = stat.read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in behind[fields]) / _TICKS
