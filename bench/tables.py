"""The sample's tables in an empty database."""

from pathlib import Path

from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.schema import CreateSchema

from gateway.schema.internal import INTERNAL
from gateway.schema.read import read_schema
from gateway.schema.sources import compile_protos
from gateway.schema.tables import build_tables

_PROTOS = Path(__file__).parent.parent / "protos"


async def create_tables(dsn: str) -> None:
    """Create them as the annotations describe them."""
    metadata = build_tables(read_schema(compile_protos(_PROTOS))).metadata
    engine = create_async_engine(dsn.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.begin() as connection:
        for each in (metadata, INTERNAL):
            for schema in sorted({table.schema for table in each.tables.values() if table.schema}):
                await connection.execute(CreateSchema(schema, if_not_exists=True))
            await connection.run_sync(each.create_all)
    await engine.dispose()
