"""Text: as it stands, or as one of the PostgreSQL types that are written as text."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from socket import AF_INET, AF_INET6, inet_pton
from typing import TypeAlias
from uuid import UUID

from sqlalchemy.dialects import postgresql

from gateway.schema.types.decimals import decimal_text
from gateway.schema.types.intervals import INTERVALS, kept_text
from gateway.schema.types.json_text import json_text
from gateway.schema.types.limits import Check, amount, bits, padded, seconds, short_name
from gateway.schema.types.precision import MICROSECONDS
from gateway.schema.types.sql_types import InvalidTypeError, NamedType, SqlType
from gateway.schema.values import InvalidValueError, ValueKind, ValueType

Inet: TypeAlias = (
    ipaddress.IPv4Address | ipaddress.IPv6Address | ipaddress.IPv4Interface | ipaddress.IPv6Interface
)

_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_MAPPED = bytes(10) + b"\xff\xff"
_LENGTH_MAX = 10_485_760
NOT_TEXT: Mapping[str, str] = {
    "smallint": "int32",
    "integer": "int32",
    "bigint": "int64",
    "real": "float",
    "double precision": "double",
    "boolean": "bool",
    "bytea": "bytes",
    "date": "google.type.Date",
    "time without time zone": "google.type.TimeOfDay",
    "timestamp with time zone": "google.protobuf.Timestamp",
    "timestamp without time zone": "google.protobuf.Timestamp",
    "point": "google.type.LatLng",
    "vector": "repeated float",
}
"""Types that a string can't be, and the proto type that would be right."""
# Types of PostgreSQL and of its common extensions that are written as text.
_CAST = (
    *("box", "circle", "line", "lseg", "path", "polygon", "geometry", "geography"),
    *("daterange", "int4range", "int8range", "numrange", "tsrange", "tstzrange"),
    *(
        "int4multirange",
        "int8multirange",
        "nummultirange",
        "datemultirange",
        "tsmultirange",
        "tstzmultirange",
    ),
    *("tsvector", "tsquery", "xml", "oid", "pg_lsn", "regclass", "regtype", "macaddr", "macaddr8"),
    *("regcollation", "regconfig", "regdictionary", "regnamespace", "regoper", "regoperator", "regproc"),
    *("regprocedure", "regrole", "jsonpath", "pg_snapshot", "tid", "txid_snapshot", "xid", "xid8"),
    *("citext", "cube", "hstore", "isbn", "lquery", "ltree", "halfvec", "sparsevec"),
)
# Or without an order; that xid has = alone is of no use to anybody.
_WITHOUT_EQUALITY = frozenset(
    {
        *("xml", "box", "path", "polygon", "line", "lseg", "circle"),
        *("jsonpath", "pg_snapshot", "txid_snapshot", "xid"),
    }
)


def text(sql: SqlType) -> ValueType:
    """Return the type of a string field; a type unknown here is cast from text and back."""
    build = _BUILDERS.get(sql.name)
    if build is not None:
        return build(sql)
    if sql.name in NOT_TEXT:
        raise InvalidTypeError(
            f"a string can't be stored as {sql}", f"declare the field as {NOT_TEXT[sql.name]}"
        )
    _refuse_unknown(sql.name)
    return _cast(sql)


def _cast(sql: SqlType) -> ValueType:
    """Return the type of a text that PostgreSQL casts to `sql` and back."""
    compared = sql.name not in _WITHOUT_EQUALITY
    return ValueType(
        sql=str(sql),
        engine=NamedType(str(sql)),
        kind=ValueKind.TEXT if sql.name == "citext" else ValueKind.OTHER,
        encode=plain,
        parse=plain,
        text_cast=True,
        equality=compared,
        orderable=compared,
    )


def _refuse_unknown(name: str) -> None:
    if name in _CAST or "." in name or '"' in name:
        return
    near = get_close_matches(name, [*_CAST, *_BUILDERS], n=1, cutoff=0.8)
    guess = f'did you mean "{near[0]}"? ' if near else ""
    raise InvalidTypeError(
        f'no type for text is called "{name}"', f'{guess}a type of yours needs its schema, as "public.{name}"'
    )


def plain(value: str) -> str:
    """Return the text; raises InvalidValueError where it holds NUL, which PostgreSQL can't store."""
    if "\0" in value:
        raise InvalidValueError("holds a NUL character, which text can't", "NUL_IN_TEXT")
    return value


def _text(sql: SqlType) -> ValueType:
    if sql.modifiers:
        raise InvalidTypeError(f"{sql} is no type", "text has no length: use varchar(n)")
    return ValueType("text", postgresql.TEXT(), ValueKind.TEXT, encode=plain, parse=plain)


def _varchar(sql: SqlType) -> ValueType:
    if not sql.modifiers:
        return ValueType(str(sql), postgresql.VARCHAR(), ValueKind.TEXT, encode=plain, parse=plain)
    length = sql.modifiers[0]
    if len(sql.modifiers) > 1 or not 1 <= length <= _LENGTH_MAX:
        raise InvalidTypeError(f"{sql} is no type", f"a length is 1 to {_LENGTH_MAX}")
    return ValueType(
        str(sql), postgresql.VARCHAR(length), ValueKind.TEXT, encode=_at_most(length), parse=plain
    )


def _at_most(length: int) -> Callable[[str], str]:
    def check(value: str) -> str:
        if "\0" in value:
            raise InvalidValueError("holds a NUL character, which text can't", "NUL_IN_TEXT")
        if len(value) > length:
            raise InvalidValueError(f"has {len(value)} characters, {length} are allowed", "TOO_LONG")
        return value

    return check


def _limited(
    build: Callable[[str, tuple[int, ...]], Check | None], low: int = 1, high: int = _LENGTH_MAX
) -> Callable[[SqlType], ValueType]:
    """Return the builder of a type that texts are cast to, but for what the cast would change."""

    def built(sql: SqlType) -> ValueType:
        if len(sql.modifiers) > 1 or not all(low <= limit <= high for limit in sql.modifiers):
            raise InvalidTypeError(f"{sql} is no type", f"its limit is {low} to {high}")
        check = build(str(sql), sql.modifiers)

        def checked(value: str) -> str:
            if check is not None:
                check(value)
            return plain(value)

        return replace(_cast(sql), encode=checked, parse=checked)

    return built


def _interval(sql: SqlType) -> ValueType:
    check = kept_text(sql)

    def checked(value: str) -> str:
        check(value)
        return value

    return replace(_cast(sql), encode=checked, parse=checked)


def _uuid(sql: SqlType) -> ValueType:
    return ValueType(str(sql), postgresql.UUID(), ValueKind.UUID, _parse_uuid, str, _parse_uuid)


def _parse_uuid(value: str) -> UUID:
    if not _UUID.fullmatch(value):
        raise InvalidValueError("is no UUID, as 123e4567-e89b-12d3-a456-426614174000", "INVALID_UUID")
    return UUID(value)


def _inet(sql: SqlType) -> ValueType:
    return ValueType(str(sql), postgresql.INET(), ValueKind.NETWORK, _parse_inet, _inet_text, _parse_inet)


_LONGEST = 100
"""More characters than an address has: a text with more is none, and is not read."""


def _inet_text(value: Inet) -> str:
    """Return an address as PostgreSQL spells it: one of IPv6 that holds one of IPv4 ends in that."""
    text, head, last = str(value), value.packed[:-4], value.packed[-4:]
    if head != _MAPPED and (len(head) != len(_MAPPED) or any(head) or not any(last[:2])):
        return text
    _, slash, length = text.partition("/")
    return f"::{'ffff:' if any(head) else ''}{ipaddress.IPv4Address(last)}{slash}{length}"


def _parse_inet(value: str) -> Inet:
    try:
        if "/" not in value:
            # A tenth of the time that ipaddress takes to read it.
            return ipaddress.ip_address(inet_pton(AF_INET6 if ":" in value else AF_INET, _short(value)))
        found = ipaddress.ip_interface(_short(value))
    except (OSError, ValueError):
        raise InvalidValueError("is no address, as 10.0.0.1 or 2001:db8::1/64", "INVALID_ADDRESS") from None
    if "%" in value:
        raise InvalidValueError("has a zone, which inet can't store", "INVALID_ADDRESS")
    return found.ip if found.network.prefixlen == found.max_prefixlen else found


def _cidr(sql: SqlType) -> ValueType:
    return ValueType(
        str(sql), postgresql.CIDR(), ValueKind.NETWORK, _parse_cidr, parse=_parse_cidr, text_cast=True
    )


def _parse_cidr(value: str) -> str:
    try:
        return str(ipaddress.ip_network(_short(value)))
    except ValueError:
        raise InvalidValueError("is no network, as 10.0.0.0/8", "INVALID_ADDRESS") from None


def _short(value: str) -> str:
    if len(value) > _LONGEST:
        raise ValueError("too long for an address")
    return value


_BUILDERS: Mapping[str, Callable[[SqlType], ValueType]] = {
    "text": _text,
    "character varying": _varchar,
    "character": _limited(padded),
    "bpchar": _limited(padded),
    "bit": _limited(bits),
    "bit varying": _limited(bits),
    "time with time zone": _limited(seconds, 0, MICROSECONDS),
    **dict.fromkeys(INTERVALS, _interval),
    "name": _limited(lambda _name, _limits: short_name),
    "money": _limited(lambda _name, _limits: amount),
    "uuid": _uuid,
    "inet": _inet,
    "cidr": _cidr,
    "numeric": decimal_text,
    "json": json_text,
    "jsonb": json_text,
}
