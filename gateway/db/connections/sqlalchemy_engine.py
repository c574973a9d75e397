"""SQLAlchemy's way to the database, for migrations alone: to import it takes a twentieth of a start."""

from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import NullPool
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine


def create_engine(connect: Callable[[], Awaitable[Any]]) -> AsyncEngine:
    """Return an engine that opens a connection per use and keeps none."""
    return create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
