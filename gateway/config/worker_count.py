"""The number of workers, as somebody may set it."""

from typing import Literal

AUTO: Literal["auto"] = "auto"
MAX_WORKERS = 64

WorkerCount = int | Literal["auto"]


def worker_count(value: object) -> WorkerCount:
    """Return the number that a value stands for, or `auto`; raises ValueError."""
    if value == AUTO:
        return AUTO
    try:
        number = int(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else 0
    except ValueError:
        number = 0
    if not 1 <= number <= MAX_WORKERS:
        raise ValueError(f"should be auto, or a number from 1 to {MAX_WORKERS}")
    return number
