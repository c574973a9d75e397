"""Names of time zones, as the IANA lists them: PostgreSQL takes others, too, that mean something else."""

import re
from functools import cache
from zoneinfo import available_timezones

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+\-]*(?:/[A-Za-z0-9_+\-]+)*", re.ASCII)
_LENGTH = 64


def is_time_zone(name: str) -> bool:
    """Return whether a time zone is called so; on a machine that has no list of them, whether it may be."""
    known = _known()
    return name in known if known else len(name) <= _LENGTH and _NAME.fullmatch(name) is not None


@cache
def _known() -> frozenset[str]:
    return frozenset(available_timezones())
