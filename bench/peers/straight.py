"""COPY into a temporary table, then MERGE, straight through asyncpg, as a skilled user would write it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bench.data import COLUMNS, KEY

if TYPE_CHECKING:
    import asyncpg

_VALUES = [name for name in COLUMNS if name not in KEY]
_CREATE = f"""
    CREATE TEMPORARY TABLE incoming ON COMMIT DROP AS SELECT {", ".join(COLUMNS)} FROM flight WITH NO DATA
"""  # noqa: S608 - names of our own
_MERGE = f"""
    MERGE INTO flight AS t USING incoming AS s ON {" AND ".join(f"t.{name} = s.{name}" for name in KEY)}
    WHEN MATCHED THEN UPDATE SET {", ".join(f"{name} = s.{name}" for name in _VALUES)},
        version = t.version + 1, updated_at = now(), deleted_at = NULL
    WHEN NOT MATCHED THEN INSERT ({", ".join(COLUMNS)}, version, created_at, updated_at)
        VALUES ({", ".join(f"s.{name}" for name in COLUMNS)}, 1, now(), now())
"""  # noqa: S608 - names of our own


async def upsert(connection: "asyncpg.Connection[Any]", rows: Sequence[tuple[Any, ...]]) -> None:
    """Upsert ready tuples in one transaction."""
    async with connection.transaction():
        await connection.execute(_CREATE)
        await connection.copy_records_to_table("incoming", columns=COLUMNS, records=rows)
        await connection.execute(_MERGE)
