"""Calls of all methods of events, drawn at random, and what came of each."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from google.protobuf import json_format

from tests.harness.client import Client, RpcFailed

EVENTS = "divided.v1.EventStatisticsService"
KINDS = ("KIND_CLICK", "KIND_VIEW", "KIND_BUY")
_NEVER_ALIKE = ("updatedAt", "deletedAt", "nextPageToken", "resumeToken")
_FILTERS = (
    "*",
    "kind = KIND_CLICK",
    "kind = KIND_VIEW OR kind = KIND_BUY",
    "kind != KIND_BUY AND amount > 1",
    "amount >= 2 OR code:*",
    'code = "a"',
    'page.title = "two"',
    'notes:"n"',
)
_ORDERS = (
    "",
    "amount",
    "amount desc, code",
    "code desc",
    "id, kind desc",
    "kind, amount desc",
    "version, code",
)

Request = dict[str, Any]


def key(chance: Random) -> Request:
    """Return a key."""
    return {"kind": chance.choice(KINDS), "id": chance.randint(1, 4)}


def event(chance: Random) -> Request:
    """Return an event."""
    drawn = {
        "code": chance.choice("abc"),
        "amount": chance.randint(0, 3),
        "pageId": chance.choice([1, 2, 2, 7]),
        "title": chance.choice(["red fox", "red foxes run", "blue"]),
    }
    return {**key(chance), **{name: value for name, value in drawn.items() if chance.random() < 0.5}}


def _new(chance: Random) -> Request:
    """Return an event that is mostly new."""
    return {**event(chance), "id": chance.randint(1, 60), "code": chance.choice([None, None, "a", "d"])}


def _events(chance: Random) -> list[Request]:
    return [event(chance) for _ in range(chance.randint(1, 6))]


def _etag(chance: Random) -> Request:
    return {"etag": chance.choice(['"v1"', '"v2"'])} if chance.random() < 0.2 else {}


def _mask(chance: Random) -> Request:
    paths = ("", "*", "amount", "code,amount", "pageId")
    return {"update_mask": mask} if (mask := chance.choice(paths)) else {}


def _changed(chance: Random) -> Request:
    return {"event": {**event(chance), **_etag(chance)}, **_mask(chance)}


def _update(chance: Random) -> Request:
    return {**_changed(chance), "allow_missing": chance.random() < 0.3}


def _delete(chance: Random) -> Request:
    return {**key(chance), **_etag(chance), "allow_missing": chance.random() < 0.3}


def _read(chance: Random) -> Request:
    masks = ({}, {}, {"read_mask": "kind,amount,page.title"}, {"read_mask": "*,notes,page"})
    return dict(chance.choice(masks))


def _found(chance: Random) -> Request:
    return {"filter": chance.choice(_FILTERS), "show_deleted": chance.random() < 0.5}


def _upserted(chance: Random) -> Request:
    return {
        "conflict_target": chance.choice([[], [], ["kind", "code"]]),
        "on_conflict": chance.randint(0, 3),
        "on_duplicate": chance.randint(0, 2),
        "partial_failure": chance.random() < 0.5,
        "outcomes": True,
        **_mask(chance),
    }


def _stepped(chance: Random) -> Request:
    steps = []
    for _ in range(chance.randint(1, 3)):
        name = chance.choice(("CreateEvent", "UpdateEvent", "DeleteEvent", "BatchCreateEvents"))
        packed = {"@type": f"type.googleapis.com/divided.v1.{name}Request", **METHODS[name](chance)}
        steps.append({"method": f"{EVENTS}.{name}", "request": packed})
    return {"steps": steps}


METHODS: Mapping[str, Callable[[Random], Request]] = {
    "GetEvent": lambda chance: {**key(chance), **_read(chance)},
    "ListEvents": lambda chance: {
        **_found(chance),
        **_read(chance),
        "order_by": chance.choice(_ORDERS),
        "page_size": chance.randint(1, 4),
    },
    "StreamEvents": lambda chance: {**_found(chance), "order_by": chance.choice(_ORDERS)},
    "SearchEvents": lambda chance: {
        **_found(chance),
        "words": {"query": chance.choice(["fox", "red -fox", "blue or fox", "run"])},
    },
    "CountEvents": _found,
    "ExistsEvents": lambda chance: {"filter": chance.choice(_FILTERS)},
    "AggregateEvents": lambda chance: {
        "filter": chance.choice(_FILTERS),
        "group_by": chance.choice([[], ["kind"]]),
    },
    "CreateEvent": lambda chance: {"event": _new(chance)},
    "UpdateEvent": _update,
    "DeleteEvent": _delete,
    "UndeleteEvent": lambda chance: {**key(chance), **_etag(chance)},
    "BatchGetEvents": lambda chance: {"keys": [key(chance) for _ in range(4)]},
    "BatchCreateEvents": lambda chance: {"requests": [{"event": _new(chance)} for _ in range(2)]},
    "BatchUpdateEvents": lambda chance: {"requests": [_changed(chance) for _ in range(2)]},
    "BatchDeleteEvents": lambda chance: {"requests": [key(chance) for _ in range(2)]},
    "BulkUpsertEvents": lambda chance: {"events": _events(chance), **_upserted(chance)},
    "IngestEvents": lambda chance: {"events": _events(chance), "start": _upserted(chance)},
    "UpdateEventsByFilter": lambda chance: {
        "filter": chance.choice(_FILTERS),
        "event": {"amount": chance.randint(0, 3)},
        "max_rows": chance.randint(1, 8),
    },
    "DeleteEventsByFilter": lambda chance: {
        "filter": chance.choice(_FILTERS),
        "max_rows": chance.randint(1, 30),
    },
    "Transact": _stepped,
}
"""All methods, with what draws a request."""


async def outcome(client: Client, name: str, request: Request, number: int) -> Any:
    """Return what came of a call: its rows, or why it was refused; `number` tells streams apart."""
    try:
        return await _answered(client, name, dict(request), number)
    except RpcFailed as error:
        return error.code.name, error.reason, sorted(error.fields)


async def _answered(client: Client, name: str, request: Request, number: int) -> Any:
    if name == "Transact":
        answer = await client.call("divided.v1.DividedService/Transact", request)
        return [_plain(client.unpacked(one)) for one in answer.responses]
    method = f"{EVENTS}/{name}"
    if name == "StreamEvents":
        return [
            row
            for chunk in [_plain(one) async for one in client.stream(method, request)]
            for row in _rows(chunk)
        ]
    if name == "IngestEvents":
        conversation = client.converse(method)
        started = {**request["start"], "stream_id": f"of all {number}"}
        await conversation.ask(start=started)
        answered = await conversation.ask(sequence=1, events=request["events"])
        await conversation.end()
        return _plain(answered)
    if name != "ListEvents":
        return _plain(await client.call(method, request))
    pages = []
    while True:
        page = await client.call(method, request)
        pages.append(_plain(page))
        if not page.next_page_token:
            return pages
        request["page_token"] = page.next_page_token


def _rows(chunk: Mapping[str, Any]) -> list[Any]:
    return list(chunk.get("events", ()))


def _plain(message: Any) -> Any:
    """Return a message without what no two gateways tell alike; of a row's refusal the code alone."""
    plain = json_format.MessageToDict(message)
    for failure in plain.get("failures", ()):
        failure["status"] = failure["status"]["code"]
    return _without_moments(plain)


def _without_moments(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_moments(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {name: "there" if name in _NEVER_ALIKE else _without_moments(one) for name, one in value.items()}
