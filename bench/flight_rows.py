"""Flight-like rows, the same for every contender."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

COLUMNS = (
    "carrier",
    "flight_number",
    "origin",
    "destination",
    "scheduled_departure_time",
    "departure_delay_minutes",
    "tail_number",
    "departure_time",
    "scheduled_arrival_time",
    "arrival_time",
    "arrival_delay_minutes",
    "air_time_minutes",
    "distance_miles",
)
KEY = ("carrier", "flight_number", "origin", "scheduled_departure_time")
CARRIERS = [f"{chr(65 + n)}X" for n in range(16)]
AIRPORTS = [f"{chr(65 + n // 26)}{chr(65 + n % 26)}A" for n in range(120)]

_CANCELLED = 0.03  # as in 2013
_START = datetime(2013, 1, 1, tzinfo=UTC)

Row = tuple[Any, ...]


def rows(count: int, seed: int) -> list[Row]:
    """Return rows with different keys, in random order; another seed changes values but no key."""
    keys = random.Random(0)  # noqa: S311 - data, not secrets
    values = random.Random(seed)  # noqa: S311
    made = [_row(number, keys, values) for number in range(count)]
    keys.shuffle(made)
    return made


def _row(number: int, keys: random.Random, values: random.Random) -> Row:
    leaves = _START + timedelta(minutes=10 * (number // 8))
    arrives = leaves + timedelta(hours=3)
    delay = values.randint(-20, 200)
    flown = values.random() > _CANCELLED
    return (
        keys.choice(CARRIERS),
        1 + number % 7000,
        AIRPORTS[number % 3],
        keys.choice(AIRPORTS[3:]),
        leaves,
        delay if flown else None,
        f"N{values.randint(100, 999)}{number % 50:02d}" if flown else None,
        leaves + timedelta(minutes=delay) if flown else None,
        arrives,
        arrives + timedelta(minutes=delay) if flown else None,
        delay if flown else None,
        values.randint(30, 400) if flown else None,
        values.randint(80, 4000),
    )
