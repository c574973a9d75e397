"""curl lines to copy: REST and Connect, answered beside gRPC."""

import json
import shlex
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

_SECONDS = 5


def is_answered(target: str) -> bool:
    """Return whether the gateway at `host:port` answers REST: over grpcio it speaks gRPC alone."""
    try:
        with urlopen(f"http://{target}/v1/airlines/UA", timeout=_SECONDS) as answer:
            return bool(answer.status == 200)  # noqa: PLR2004 - OK
    except (OSError, HTTPException):
        return False


def curl_lines(target: str) -> list[str]:
    """Return the command lines against the gateway at `target`, `host:port`."""
    late = {
        "filter": 'carrier = "UA" AND departure_delay_minutes > 60',
        "order_by": "departure_delay_minutes desc",
        "page_size": "3",
    }
    return [
        f"curl http://{target}/v1/airlines/UA",
        f"curl {shlex.quote(f'http://{target}/v1/flights?{urlencode(late)}')}",
        _connect(target, "flights.v1.AirportService/GetAirport", {"faa": "JFK"}),
    ]


def _connect(target: str, method: str, body: Mapping[str, Any]) -> str:
    data = shlex.quote(json.dumps(body, separators=(",", ":")))
    return f"curl --json {data} http://{target}/{method}"
