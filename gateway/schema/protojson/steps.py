"""The JSON of a step's request: what is wrong with it is for its caller, once the step has been let in."""

from typing import Any

import orjson

from gateway.schema.protojson.errors import JsonError, malformed

FIELD = "rowgate.v1.Step.request"
"""The full name of the field that holds it."""
_UNREAD = "?unread"
"""Stands behind the type of a request that is none, so that nobody takes the error for its bytes."""


def unread(url: str, error: JsonError) -> dict[str, Any]:
    """Return a google.protobuf.Any of an error instead of a request, for `raise_unread`."""
    return {"type_url": url + _UNREAD, "value": orjson.dumps([error.path, error.description])}


def type_of(request: Any) -> str:
    """Return the full name of what a google.protobuf.Any holds, or should hold."""
    return str(request.type_url).rpartition("/")[2].removesuffix(_UNREAD)


def raise_unread(request: Any) -> None:
    """Raise InvalidArgument for a request that is none."""
    if not request.type_url.endswith(_UNREAD):
        return
    try:
        path, description = map(str, orjson.loads(request.value))
    except (ValueError, TypeError):
        path, description = "", "is none"
    raise malformed(type_of(request), path, description)
