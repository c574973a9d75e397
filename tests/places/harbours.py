"""The harbours of these tests: what is asked of them, and the same by SQL."""

from collections.abc import Mapping
from typing import Any

from gateway.request.filter import parse_filter
from gateway.sql.reads.select import Rows
from tests.harness.gateway import RunningGateway, schema_of

SERVICE = "places.v1.HarbourService"
RESOURCE = "places.v1.Harbour"


def rows_of(text: str) -> Rows:
    """Return which rows a filter asks for."""
    return Rows(parse_filter(text, schema_of("places").resources[RESOURCE]).shape)


async def listed(gateway: RunningGateway, **asked: Any) -> list[int]:
    """Return the keys of all harbours of a List, page by page."""
    found: list[int] = []
    token = ""
    while True:
        page = await gateway.call(f"{SERVICE}/ListHarbours", page_size=700, page_token=token, **asked)
        found += [one.id for one in page.harbours]
        token = page.next_page_token
        if not token:
            return found


async def by_hand(gateway: RunningGateway, where: str, order: str = "id") -> list[int]:
    """Return the keys of harbours by SQL."""
    rows = await gateway.sql(f"SELECT id FROM harbour WHERE {where} ORDER BY {order}")  # noqa: S608 - written here
    return [row["id"] for row in rows]


def at(latitude: float, longitude: float) -> Mapping[str, float]:
    """Return a LatLng."""
    return {"latitude": latitude, "longitude": longitude}
