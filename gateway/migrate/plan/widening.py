"""Changes of a column's type that keep every value."""

import re
from itertools import pairwise

_TYPE = re.compile(r"^(?P<base>[^(]+?)(?:\((?P<sizes>[\d,]+)\))?(?P<rest>[^()]*)$")

# Each holds every value of those before it.
_LADDERS = (
    ("smallint", "integer", "bigint"),
    ("real", "double precision"),
    ("macaddr", "macaddr8"),
    ("cidr", "inet"),
)
_WIDER = {pair for ladder in _LADDERS for pair in pairwise(ladder)} | {("smallint", "bigint")}
_DIGITS = {"smallint": 5, "integer": 10, "bigint": 19}
# By one size, and the widest without one.
_SIZED = frozenset(
    {
        *(f"{kind} {zone} time zone" for kind in ("time", "timestamp") for zone in ("with", "without")),
        "interval",
        "bit varying",
    }
)
_ZONED, _BARE = (f"timestamp {zone} time zone" for zone in ("with", "without"))
_TEXTS = frozenset({"text", "character varying", "character", "citext"})


def keeps_every_value(old: str, new: str) -> bool:
    """Return whether the new type holds every value of the old; both as format_type prints them."""
    if old == new or (old, new) in _WIDER:
        return True
    (old_base, old_sizes), (new_base, new_sizes) = _parsed(old), _parsed(new)
    if new_base == "numeric":
        return _fits_numeric(old_base, old_sizes, new_sizes)
    if is_text(old) and new_base in {"text", "character varying"}:
        return not new_sizes or (bool(old_sizes) and old_sizes[0] <= new_sizes[0])
    if old_base == new_base and old_base in _SIZED:
        return not new_sizes or (bool(old_sizes) and old_sizes[0] <= new_sizes[0])
    return old_base == new_base and not new_sizes


def keeps_every_row(old: str, new: str) -> bool:
    """Return whether PostgreSQL writes no row anew for a type that holds every value of the old one."""
    (old_base, old_sizes), (new_base, new_sizes) = _parsed(old), _parsed(new)
    if old_base == new_base == "numeric":
        return not new_sizes or old_sizes[1:] == new_sizes[1:]
    if {old_base, new_base} <= {"text", "character varying"} or (old, new) == ("cidr", "inet"):
        return True
    return old_base == new_base and old_base in _SIZED


def is_text(type_: str) -> bool:
    """Return whether the type is text of some kind."""
    return _parsed(type_)[0] in _TEXTS


def conversion(column: str, old: str, new: str) -> str:
    """Return the USING clause of ALTER COLUMN … TYPE; empty where PostgreSQL's own assignment does it.

    Others go through text: a value that doesn't fit then fails, where an explicit cast would round or cut it.
    Where that would depend on the session, or spell bytes, they go as gateways read and write them.
    """
    if keeps_every_value(old, new) or (is_text(old) and is_text(new)) or _parsed(old)[0] == _parsed(new)[0]:
        return ""
    if same := _same_meaning(column, _parsed(old)[0], _parsed(new)[0]):
        return f" USING {same}"
    through = f"{column}::text"
    return f" USING {through}" if is_text(new) else f" USING {through}::{new}"


def _same_meaning(column: str, old: str, new: str) -> str:
    """Return what is the same to a gateway, to which times are UTC and text is UTF-8; empty for others."""
    in_utc = f"{column} AT TIME ZONE 'UTC'"
    if {old, new} == {_ZONED, _BARE}:
        return in_utc
    if (old, new) == (_ZONED, "date"):
        return f"({in_utc})::date"
    if (old, new) == ("date", _ZONED):
        return f"{column}::timestamp AT TIME ZONE 'UTC'"
    if old == "bytea" and is_text(new):
        return f"pg_catalog.convert_from({column}, 'UTF8')"
    if is_text(old) and new == "bytea":
        return f"pg_catalog.convert_to({column}::text, 'UTF8')"
    return ""


def _parsed(type_: str) -> tuple[str, tuple[int, ...]]:
    match = _TYPE.match(type_)
    if match is None:
        return type_, ()
    sizes = tuple(int(size) for size in (match["sizes"] or "").split(",") if size)
    return f"{match['base']}{match['rest']}".strip(), sizes


def _fits_numeric(old_base: str, old: tuple[int, ...], new: tuple[int, ...]) -> bool:
    if old_base not in {"numeric", *_DIGITS}:
        return False
    if not new:
        return True
    precision, scale = new if len(new) > 1 else (new[0], 0)
    if old_base in _DIGITS:
        return precision - scale >= _DIGITS[old_base]
    if not old:
        return False
    old_precision, old_scale = old if len(old) > 1 else (old[0], 0)
    return scale >= old_scale and precision - scale >= old_precision - old_scale
