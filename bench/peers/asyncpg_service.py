"""A hand-written grpc.aio service: Get and Update by prepared statements on asyncpg's pool."""

import sys
from typing import Any
from uuid import UUID

import asyncpg
import grpc
import uvloop

from bench.datasets import DATASETS, Dataset
from bench.peers.serving import handler, serve

Context = grpc.aio.ServicerContext[Any, Any]
Row = asyncpg.Record
_STAMPS = ("version", "updated_at")


class Rows:
    """Reads and changes single rows of a table."""

    def __init__(self, pool: "asyncpg.Pool[Row]", dataset: Dataset) -> None:
        self._pool = pool
        self._dataset = dataset
        self._message = dataset.message(dataset.resource)
        fields = ", ".join(dataset.fields)
        self._get = f"SELECT {fields} FROM {dataset.table} WHERE id = $1"  # noqa: S608 - names of our own
        stamps = [f"{name} = {dataset.stamps[name][1]}" for name in _STAMPS if name in dataset.stamps]
        self._update = (
            f"UPDATE {dataset.table} AS t SET {', '.join(['{}', *stamps])} "  # noqa: S608 - names of our own
            f"WHERE id = $1 RETURNING {fields}"
        )

    async def get(self, request: Any, context: Context) -> Any:
        """Return one row."""
        return await self._answer(context, self._get, self._key(request.id))

    async def update(self, request: Any, context: Context) -> Any:
        """Change the masked fields of one row; return it."""
        new = getattr(request, self._dataset.resource.lower())
        paths = request.update_mask.paths
        sets = ", ".join(f"{name} = ${place}" for place, name in enumerate(paths, 2))
        values = [getattr(new, name) for name in paths]
        return await self._answer(context, self._update.format(sets), self._key(new.id), *values)

    async def _answer(self, context: Context, statement: str, *values: Any) -> Any:
        row = await self._pool.fetchrow(statement, *values)
        if row is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, "there is no such row")
        return self._as_message(row)

    def _key(self, key: Any) -> Any:
        return UUID(key) if isinstance(key, str) else key

    def _as_message(self, row: Row) -> Any:
        values = {name: value for name, value in row.items() if value is not None}
        if "version" in values:
            values |= {"id": str(values["id"]), "etag": f'"{values["version"]}"'}
        return self._message(**values)


async def _main(dsn: str, address: str) -> None:
    async with asyncpg.create_pool(dsn, min_size=8, max_size=8) as pool:
        tables = [(dataset, Rows(pool, dataset)) for dataset in DATASETS]
        await serve([handler(s, {"Get": rows.get, "Update": rows.update}) for s, rows in tables], address)


if __name__ == "__main__":
    uvloop.run(_main(*sys.argv[1:]))
