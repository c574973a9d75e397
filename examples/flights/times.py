"""Local times of the data → seconds since 1970 in UTC."""

from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo

HOUR = 3600
DAY = 24 * HOUR


@cache
def epoch(text: str) -> int:
    """Return the seconds of an ISO 8601 time such as `2013-01-01T10:00:00Z`."""
    return int(datetime.fromisoformat(text).timestamp())


def next_wall_time(after: int, hhmm: int, zone: str) -> int:
    """Return when clocks in `zone` next show `hhmm`.

    Args:
        after: seconds since 1970; the answer is later.
        hhmm: hours times 100 and minutes; 2400 is midnight.
        zone: the IANA name.

    """
    local = after + _offset(zone, after // HOUR)
    midnight = local - local % DAY
    wall = midnight + hhmm // 100 % 24 * HOUR + hhmm % 100 * 60
    if wall <= local:
        wall += DAY
    # The clocks may change on the way: the offset is the one at arrival.
    return wall - _offset(zone, (wall - _offset(zone, after // HOUR)) // HOUR)


@cache
def _offset(zone: str, hour: int) -> int:
    """Return the seconds that `zone` is ahead of UTC in an hour since 1970. Clocks change on whole hours."""
    offset = datetime.fromtimestamp(hour * HOUR, UTC).astimezone(ZoneInfo(zone)).utcoffset()
    return int(offset.total_seconds()) if offset else 0
