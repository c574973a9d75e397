"""google.type.LatLng ⇄ point or PostGIS's geography, as (longitude, latitude): x goes east, y north."""

import struct
from collections.abc import Sequence
from typing import Any

from gateway.schema.types.sql_types import InvalidTypeError, NamedType, SqlType
from gateway.schema.values import InvalidValueError, ValueKind, ValueType

_GEOGRAPHY = SqlType("geography", shape="Point,4326")
# A point with its SRID, by the machine's byte order: 1 is little-endian.
# https://libgeos.org/specifications/wkb/#extended-wkb
_EWKB = {1: struct.Struct("<BIIdd"), 0: struct.Struct(">BIIdd")}
_POINT_WITH_SRID, _WGS84 = 0x20000001, 4326


def point(sql: SqlType) -> ValueType:
    """Return the type of a LatLng field: of `point`, or of `geography`, whose distances PostGIS knows."""
    if sql.name == _GEOGRAPHY.name and sql.shape.lower() in ("", _GEOGRAPHY.shape.lower()):
        return _PLACE
    if sql != SqlType("point"):
        raise InvalidTypeError(f"a LatLng can't be stored as {sql}", "use point or geography")
    return _POINT


def place(latitude: float, longitude: float) -> str:
    """Return a place as PostGIS spells it; raises InvalidValueError outside of the ranges of both."""
    x, y = _checked(longitude, latitude)
    return _EWKB[1].pack(1, _POINT_WITH_SRID, _WGS84, x, y).hex().upper()


def _encode(value: Any) -> tuple[float, float]:
    return _checked(value.longitude, value.latitude)


def _decode(value: Sequence[float]) -> dict[str, float]:
    longitude, latitude = _checked(*value)
    return {"longitude": longitude, "latitude": latitude}


def _decode_place(value: str) -> dict[str, float]:
    body = bytes.fromhex(value)
    form = _EWKB.get(body[0])
    if form is None or len(body) != form.size:
        raise InvalidValueError("the stored geography is no point of latitude and longitude", "INEXACT")
    _, kind, srid, *found = form.unpack(body)
    if (kind, srid) != (_POINT_WITH_SRID, _WGS84):
        raise InvalidValueError("the stored geography is no point of latitude and longitude", "INEXACT")
    return _decode(found)


def _checked(longitude: float, latitude: float) -> tuple[float, float]:
    # google/type/latlng.proto; NaN is in no range.
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):  # noqa: PLR2004 - degrees of a circle
        raise InvalidValueError(
            "has a latitude outside -90 to 90, or a longitude outside -180 to 180", "OUT_OF_RANGE"
        )
    return longitude, latitude


# PostgreSQL has no `=` and no order for points, and an order of geographies says nothing of where they are.
_POINT = ValueType(
    sql="point",
    engine=NamedType("point"),
    kind=ValueKind.POINT,
    encode=_encode,
    decode=_decode,
    equality=False,
    orderable=False,
)
_PLACE = ValueType(
    sql=str(_GEOGRAPHY),
    engine=NamedType(str(_GEOGRAPHY)),
    kind=ValueKind.PLACE,
    encode=lambda value: place(value.latitude, value.longitude),
    decode=_decode_place,
    text_cast=True,
    equality=False,
    orderable=False,
)
