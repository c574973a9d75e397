"""One column's type: its name in SQL, and the exact conversions between proto value and driver value.

Driver values are what asyncpg binds and returns with the codecs of gateway.db.connections.type_codecs: int,
float, bool, str, bytes, Decimal, list; `timestamptz` as `(microseconds since 2000-01-01 UTC,)`, `date` as
`(days since 2000-01-01,)`, `time` as `(microseconds,)`, `interval` as `(months, days, microseconds)`;
`jsonb` as its text; `uuid` as uuid.UUID; `inet` as ipaddress's addresses and interfaces; `point` as
`(x, y)`; `numeric` as Decimal, of a whole-number field too. Whatever is `text_cast` travels as text, a
`geography` as its EWKB in hexadecimal digits.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy.types import TypeEngine


class InvalidValueError(ValueError):
    """A value that the column can't hold exactly.

    Args:
        description: what is wrong and what would be right; holds no value longer than 64 characters.
        reason: UPPER_SNAKE_CASE (OUT_OF_RANGE, INVALID_UUID, NUL_IN_TEXT, …).

    """

    def __init__(self, description: str, reason: str) -> None:
        super().__init__(description)
        self.description = description
        self.reason = reason


class ValueKind(Enum):
    """What a value is, for the filter language, ordering and page tokens."""

    INTEGER = "integer"
    FLOAT = "float"
    DECIMAL = "decimal"
    BOOL = "bool"
    TEXT = "text"
    BYTES = "bytes"
    UUID = "uuid"
    ENUM = "enum"
    TIMESTAMP = "timestamp"
    DURATION = "duration"
    DATE = "date"
    TIME = "time"
    NETWORK = "network"
    POINT = "point"
    PLACE = "place"
    JSON = "json"
    ARRAY = "array"
    OTHER = "other"


# Where PostgreSQL's `=` is the equality of the stored bits. A numeric knows 1.0 = 1.00, a float 0.0 = -0.0.
_EXACT = frozenset(
    {
        ValueKind.INTEGER,
        ValueKind.BOOL,
        ValueKind.TEXT,
        ValueKind.BYTES,
        ValueKind.UUID,
        ValueKind.ENUM,
        ValueKind.TIMESTAMP,
        ValueKind.DATE,
        ValueKind.TIME,
    }
)


@dataclass(frozen=True, slots=True)
class ValueType:
    """How values of one field are stored.

    Args:
        sql: the type as PostgreSQL's format_type prints it, such as `character varying(12)`.
        engine: the SQLAlchemy type, for tables and bound parameters.
        kind: what the value is.
        encode: proto value → driver value, raising InvalidValueError; None where they are the same.
        decode: driver value → what the message's constructor takes, raising InvalidValueError; None as above.
        parse: text of a filter literal → driver value, raising InvalidValueError; None where filters can't.
        text_cast: bound as text and cast in SQL both ways, for types that the driver doesn't speak.
        equality: whether PostgreSQL has `=` and DISTINCT for the type.
        orderable: whether order_by may name it.
        element: an array's element type.

    """

    sql: str
    engine: "TypeEngine[Any]"
    kind: ValueKind
    encode: Callable[[Any], Any] | None = None
    decode: Callable[[Any], Any] | None = None
    parse: Callable[[str], Any] | None = None
    text_cast: bool = False
    equality: bool = True
    orderable: bool = True
    element: "ValueType | None" = None

    @property
    def tells_apart(self) -> bool:
        """Whether PostgreSQL's `=` tells any two different values apart."""
        return self.kind in _EXACT and self.element is None and not self.text_cast
