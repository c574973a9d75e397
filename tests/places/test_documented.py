"""The calls of docs/places.md."""

import asyncio
import json
from typing import Any

from tests.harness.gateway import RunningGateway
from tests.places.harbours import by_hand

LISTED = r"""
curl -sG http://127.0.0.1:50051/v1/harbours -d page_size=3 --data-urlencode 'filter=distance(position, 40.64, -73.78) < 50km' \
  --data-urlencode 'order_by=distance(position, 40.64, -73.78)'
"""  # noqa: E501 - as it stands there
COUNTED = """
curl -sG http://127.0.0.1:50051/v1/harbours:count --data-urlencode 'filter=within(position, -20, 170, 20, -170)'
"""  # noqa: E501 - likewise
_KENNEDY = "'SRID=4326;POINT(-73.78 40.64)'::geography"


async def _answered(gateway: RunningGateway, line: str) -> Any:
    aimed = line.replace("127.0.0.1:50051", gateway.target)
    shell = await asyncio.create_subprocess_shell(aimed, stdout=asyncio.subprocess.PIPE)
    printed, _ = await shell.communicate()
    return json.loads(printed)


async def test_they_are_answered_as_sql_is(harbours: RunningGateway) -> None:
    listed = await _answered(harbours, LISTED)
    near = await by_hand(
        harbours, f"ST_Distance(position, {_KENNEDY}) < 50000", f"position <-> {_KENNEDY}, id LIMIT 3"
    )
    assert [int(one["id"]) for one in listed["harbours"]] == near
    assert len(near) == 3
    across = await by_hand(
        harbours, "abs(ST_Y(position::geometry)) <= 20 AND abs(ST_X(position::geometry)) >= 170"
    )
    assert int((await _answered(harbours, COUNTED))["count"]) == len(across) > 10
