"""COPY into a temporary table, then MERGE, straight through asyncpg, as a skilled user would write it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bench.datasets import Dataset

if TYPE_CHECKING:
    import asyncpg


class CopyMerge:
    """Upserts ready tuples into one table."""

    def __init__(self, dataset: Dataset) -> None:
        self._columns = dataset.columns
        names = ", ".join(dataset.columns)
        stamps = dataset.stamps
        same = " AND ".join(f"t.{name} = s.{name}" for name in dataset.key)
        changed = [f"{name} = s.{name}" for name in dataset.values]
        changed += [f"{name} = {stored}" for name, (_, stored) in stamps.items() if stored != f"t.{name}"]
        new = [*(f"s.{name}" for name in dataset.columns), *(fresh for fresh, _ in stamps.values())]
        self._create = (
            f"CREATE TEMPORARY TABLE incoming ON COMMIT DROP AS "  # noqa: S608 - names of our own
            f"SELECT {names} FROM {dataset.table} WITH NO DATA"
        )
        self._merge = (
            f"MERGE INTO {dataset.table} AS t USING incoming AS s ON {same} "  # noqa: S608 - names of our own
            f"WHEN MATCHED THEN UPDATE SET {', '.join(changed)} "
            f"WHEN NOT MATCHED THEN INSERT ({', '.join([*dataset.columns, *stamps])}) "
            f"VALUES ({', '.join(new)})"
        )

    async def upsert(self, connection: "asyncpg.Connection[Any]", rows: Sequence[tuple[Any, ...]]) -> None:
        """Upsert in one transaction."""
        async with connection.transaction():
            await connection.execute(self._create)
            await connection.copy_records_to_table("incoming", columns=self._columns, records=rows)
            await connection.execute(self._merge)
