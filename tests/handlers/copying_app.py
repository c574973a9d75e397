"""A hook that copies rows of every type as objects of SQLAlchemy's."""

from typing import Any

from sqlalchemy import inspect, select
from types_of_all.types.v1 import rich_pb2, scalar_pb2

from gateway.handlers import Context, Rowgate, before

APART = 100


@before("types.v1.RichService/CountRiches")
async def copy(_request: Any, context: Context) -> None:
    """Copy all rows, each under another key."""
    await context.rowgate.transact(_copy)


async def _copy(rowgate: Rowgate) -> None:
    async with rowgate.session() as session:
        for message in (rich_pb2.Rich, scalar_pb2.Scalar):
            model = rowgate.model(message)
            names = [one.key for one in inspect(model).column_attrs]
            for row in (await session.execute(select(model))).scalars():
                values = {name: getattr(row, name) for name in names}
                session.add(model(**{**values, "id": values["id"] + APART}))
