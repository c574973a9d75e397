"""Session codecs: date and time types as integers, so that each stored value is exact (see schema.values)."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncpg

_AS_TUPLE = ("timestamptz", "timestamp", "date", "time", "interval")


async def set_codecs(connection: "asyncpg.Connection[Any]") -> None:
    """Make date and time types travel as tuples of integers, infinity and months included.

    A tuple's tuple is itself, and told so without Python's help.
    """
    for name in _AS_TUPLE:
        await connection.set_type_codec(
            name, schema="pg_catalog", encoder=tuple, decoder=tuple, format="tuple"
        )
