"""A hook that looks at items behind PostgreSQL's own policies, in each way that there is."""

from typing import Any

import item_service_pb2
import walled_pb2
from sqlalchemy import select

from gateway.handlers import Context, NotFound, Rowgate, after

seen: dict[str, list[int]] = {}
"""The items that each way has shown."""
IDS = "SELECT id FROM public.item ORDER BY id"


@after("walled.v1.ItemService/CountItems")
async def look(_request: Any, _response: Any, context: Context) -> None:
    """Look at all items."""
    rowgate, past = context.rowgate, context.bypass_policies()
    seen["called"], seen["called past"] = await _listed(rowgate), await _listed(past)
    seen["fetched"], seen["fetched past"] = await _fetched(rowgate), await _fetched(past)
    await rowgate.transact(_in_turns)
    await past.transact(_mapped_past)


async def _in_turns(rowgate: Rowgate) -> None:
    """Look as the caller and past policies, in one transaction; an error in between changes nothing."""
    past = rowgate.bypass_policies()
    seen["in turns"] = await _fetched(rowgate)
    seen["in turns past"] = await _fetched(past)
    seen["in turns listed past"] = await _listed(past)

    async def fail(part: Rowgate) -> None:
        await part.bypass_policies().call(
            "walled.v1.ItemService/GetItem", item_service_pb2.GetItemRequest(id=99)
        )

    try:
        await rowgate.transact(fail)
    except NotFound:
        seen["in turns again"] = await _fetched(rowgate)
    async with rowgate.session() as session:
        item = rowgate.model(walled_pb2.Item)
        seen["mapped"] = list((await session.execute(select(item.id).order_by(item.id))).scalars())
    seen["in turns listed"] = await _listed(rowgate)


async def _mapped_past(rowgate: Rowgate) -> None:
    async with rowgate.session() as session:
        item = rowgate.model(walled_pb2.Item)
        seen["mapped past"] = list((await session.execute(select(item.id).order_by(item.id))).scalars())


async def _fetched(rowgate: Rowgate) -> list[int]:
    return [row["id"] for row in await rowgate.fetch(IDS)]


async def _listed(rowgate: Rowgate) -> list[int]:
    answer = await rowgate.call("walled.v1.ItemService/ListItems", item_service_pb2.ListItemsRequest())
    return sorted(item.id for item in answer.items)
