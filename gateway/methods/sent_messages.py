"""Messages as they are sent, looked at before their handler: single requests of a batch, rows of each."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

from google.protobuf.message import Message

from gateway.methods.event_loop_turns import Turns
from gateway.methods.writes.items import check_size
from gateway.request.keys import below
from gateway.request.masks import MAX_DEPTH
from gateway.request.rows import check_row_count
from gateway.schema.model import MethodKind, Relation, Resource, StandardMethod

Look = Callable[[Message], Iterator[None]]
"""Looks at a message, row by row: between two of them others may have their turn."""


def handled(method: StandardMethod, handler: Any, request: Any, call: Any, look: Look) -> Any:
    """Return what a handler does with a request, or a stream of them: `look` sees each message first.

    Where there may be many rows in one, others have their turns meanwhile.
    """
    if not isinstance(request, Message):
        return handler(_each_seen(request, look), call)
    if "requests" in method.request or "rows" in method.request:
        return _handled_in_turns(handler, request, call, look)
    for _ in look(request):
        pass
    return handler(request, call)


async def _handled_in_turns(handler: Any, request: Message, call: Any, look: Look) -> Any:
    await _seen_in_turns(request, look)
    return await handler(request, call)


async def _each_seen(requests: AsyncIterator[Message], look: Look) -> AsyncIterator[Message]:
    async for request in requests:
        await _seen_in_turns(request, look)
        yield request


async def _seen_in_turns(request: Message, look: Look) -> None:
    turns = Turns()
    for _ in look(request):
        await turns.give()


def single_requests(
    method: StandardMethod, request: Message
) -> Iterator[tuple[Message, StandardMethod, str]]:
    """Yield what a request asks for, one by one: each with its method and its place.

    Raises InvalidArgument (reason BATCH_TOO_LARGE) where that is too many.
    """
    requests = method.request.get("requests")
    if requests is None or method.item is None:
        yield request, method, ""
        return
    for i, one in enumerate(check_size(getattr(request, requests.name), requests.name)):
        yield one, method.item, f"{requests.name}[{i}]"


def sent_rows(
    method: StandardMethod, request: Message, place: str, most: int
) -> Iterator[tuple[Message, str]]:
    """Yield the rows that a single request sends, each with its path.

    Raises InvalidArgument (reason TOO_MANY_ROWS) for more than `most`.
    """
    resource, rows = method.request.get("resource"), method.request.get("rows")
    if resource is not None and request.HasField(resource.name):
        yield getattr(request, resource.name), below(place, resource.name)
    if rows is not None:
        for i, row in enumerate(check_row_count(getattr(request, rows.name), rows.name, most)):
            yield row, f"{rows.name}[{i}]"


def writes_relation(method: StandardMethod, request: Any, relation: Relation) -> bool:
    """Whether a single request writes rows of a relation with its row: of a new one, or as its mask says."""
    missing = method.request.get("allow_missing")
    if method.kind is MethodKind.CREATE or (missing is not None and getattr(request, missing.name)):
        return relation.is_created
    paths = (path for paths, _ in sent_masks(method, request, "") for path in paths)
    return relation.is_changed and any(path.partition(".")[0] == relation.name for path in paths)


def held_rows(
    method: StandardMethod, request: Any, row: Message, path: str
) -> Iterator[tuple[Resource, Message, str]]:
    """Yield the rows that a row holds and a single request writes with it, each with its path."""
    for relation in method.resource.relations:
        if writes_relation(method, request, relation):
            yield from _held(method, relation, row, path, MAX_DEPTH)


def _held(
    method: StandardMethod, relation: Relation, row: Message, path: str, depth: int
) -> Iterator[tuple[Resource, Message, str]]:
    resource, place = method.related[relation.target], below(path, relation.name)
    held = getattr(row, relation.name) if relation.is_many else [getattr(row, relation.name)]
    for i, one in enumerate(held if relation.is_many or row.HasField(relation.name) else ()):
        at = f"{place}[{i}]" if relation.is_many else place
        yield resource, one, at
        for inner in resource.relations if depth > 1 else ():
            if inner.is_created:
                yield from _held(method, inner, one, at, depth - 1)


def sent_masks(method: StandardMethod, request: Any, place: str) -> Iterator[tuple[Sequence[str], str]]:
    """Yield the paths of the update mask that a single request sends, or a stream's start, and its place."""
    mask, start = method.request.get("update_mask"), method.request.get("start")
    if mask is not None:
        yield getattr(request, mask.name).paths, below(place, mask.name)
    if start is not None:
        yield getattr(request, start.name).update_mask.paths, f"{start.name}.update_mask"
