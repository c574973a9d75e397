"""The figures of this process, as Prometheus' clients name them."""

import os
import resource
from contextlib import suppress
from pathlib import Path
from time import process_time, time

from gateway.observe.metrics.figures import Figures

_BEGUN = time()
_STATM = Path("/proc/self/statm")


def process_figures() -> Figures:
    """Return them."""
    return {
        "process_cpu_seconds_total": {(): process_time()},
        "process_resident_memory_bytes": {(): float(_resident())},
        "process_start_time_seconds": {(): _BEGUN},
    }


def _resident() -> int:
    """Return the bytes that are resident; the most that there were where the system doesn't tell of now."""
    with suppress(OSError):
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
