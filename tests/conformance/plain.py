"""The conformance service with its unary method on the short way of a gateway's own plain calls.

That way knows neither the caller's metadata nor an answer's own: the suite's cases of those are left out.
"""

import asyncio
from typing import Any

from gateway.config.settings import Settings
from gateway.transport.exchange import Exchange, Reply
from gateway.transport.host import Host, Hosting
from tests.conformance.service import (
    SERVICE,
    error_status,
    handlers,
    leave_out_own_details,
    message,
    request_info,
)
from tests.harness.mounted import start_servicers


async def _unary(exchange: Exchange) -> Reply:
    request: Any = message("UnaryRequest").FromString(exchange.request)
    definition = request.response_definition
    info = request_info([request], exchange.time_remaining)
    await asyncio.sleep(definition.response_delay_ms / 1000)
    if definition.HasField("error"):
        return Reply(status=error_status(definition, info))
    payload: Any = message("ConformancePayload")(data=definition.response_data, request_info=info)
    response: Any = message("UnaryResponse")
    return Reply(response(payload=payload).SerializeToString())


async def start(settings: Settings, hosting: Hosting) -> Host:
    """Serve it."""
    leave_out_own_details()
    return await start_servicers(handlers(), settings, hosting, {f"/{SERVICE}/Unary": _unary})
