"""google.type.LatLng ⇄ point, as (longitude, latitude): x goes east, y north."""

from collections.abc import Sequence
from typing import Any

from gateway.schema.types.sql_types import InvalidTypeError, NamedType, SqlType
from gateway.schema.values import InvalidValueError, ValueKind, ValueType


def point(sql: SqlType) -> ValueType:
    """Return the type of a LatLng field. PostgreSQL has no `=` and no order for points."""
    if sql != SqlType("point"):
        raise InvalidTypeError(f"a LatLng can't be stored as {sql}", "use point")
    return ValueType(
        sql="point",
        engine=NamedType("point"),
        kind=ValueKind.POINT,
        encode=_encode,
        decode=_decode,
        equality=False,
        orderable=False,
    )


def _encode(value: Any) -> tuple[float, float]:
    return _checked(value.longitude, value.latitude)


def _decode(value: Sequence[float]) -> dict[str, float]:
    longitude, latitude = _checked(*value)
    return {"longitude": longitude, "latitude": latitude}


def _checked(longitude: float, latitude: float) -> tuple[float, float]:
    # google/type/latlng.proto; NaN is in no range.
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):  # noqa: PLR2004 - degrees of a circle
        raise InvalidValueError(
            "has a latitude outside -90 to 90, or a longitude outside -180 to 180", "OUT_OF_RANGE"
        )
    return longitude, latitude
