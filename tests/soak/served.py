"""The gateway under a soak: whole, and beside its own services one that counts what its process holds."""

import asyncio
import gc
import json
from typing import Any

from gateway.app import Gateway
from gateway.config.settings import Settings
from gateway.db.pool.pool import Pool
from gateway.transport.served_api import ServedApi
from gateway.transport.server import Server, ServerFactory
from tests.harness.gateway import descriptors_of
from tests.harness.mounted import Extended, unary

SCHEMA = "adversarial"
CENSUS = "/rowgate.test.Census/Take"


# Looked up at the start: later the server spares the collector what it holds, which isn't listed any more.
_pools: list[Pool] = []


def _census() -> bytes:
    """Answer with the counts of what is alive, and of the connections that can be lent."""
    gc.collect()
    objects = gc.get_objects()
    free = sum(pool.free for pool in _pools)
    return json.dumps({"tasks": len(asyncio.all_tasks()), "objects": len(objects), "free": free}).encode()


async def start(settings: Settings, make_server: ServerFactory) -> Gateway:
    """Serve the schema."""

    def with_census(api: ServedApi, settings: Settings) -> Server:
        extended: Any = Extended(api, [unary(CENSUS, _census)])
        return make_server(extended, settings)

    gateway = await Gateway.start(descriptors_of(SCHEMA), settings, with_census)
    _pools[:] = [one for one in gc.get_objects() if isinstance(one, Pool)]
    return gateway
