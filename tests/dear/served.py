"""The gateway under dear requests, and beside its services one that tells how long its loop was held.

It serves the schema that `application_name` names.
"""

import asyncio
import time
from typing import Any

from gateway.app import Gateway
from gateway.config.settings import Settings
from gateway.transport.served_api import ServedApi
from gateway.transport.server import Server, ServerFactory
from tests.harness.gateway import descriptors_of
from tests.harness.mounted import Extended, unary

HOLD = "/rowgate.test.Holds/Take"
_BEAT = 0.001


class Holds:
    """The most CPU time that the event loop's thread took between two looks at its timers.

    That is for how long whoever else called had to wait, whatever else the machine did meanwhile.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._longest = 0.0
        self._last = time.thread_time()
        self._beat()

    def _beat(self) -> None:
        now = time.thread_time()
        self._longest = max(self._longest, now - self._last)
        self._last = now
        self._loop.call_later(_BEAT, self._beat)

    def take(self) -> bytes:
        """Answer with the longest since the last question, in seconds."""
        longest, self._longest = self._longest, 0.0
        return str(longest).encode()


async def start(settings: Settings, make_server: ServerFactory) -> Gateway:
    """Serve the schema."""
    told = unary(HOLD, Holds().take)

    def with_holds(api: ServedApi, settings: Settings) -> Server:
        extended: Any = Extended(api, [told])
        return make_server(extended, settings)

    return await Gateway.start(descriptors_of(settings.database.application_name), settings, with_holds)
