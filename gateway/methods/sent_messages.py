"""What requests of any method send: the single requests of a batch, and the rows of each."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

from google.protobuf.message import Message

from gateway.request.keys import below
from gateway.schema.model import Method


def seen(request: Message | AsyncIterator[Message], look: Callable[[Message], None]) -> Any:
    """Return a request, or a stream of them, for its handler: `look` sees each message before that."""
    if not isinstance(request, Message):
        return _each_seen(request, look)
    look(request)
    return request


async def _each_seen(
    requests: AsyncIterator[Message], look: Callable[[Message], None]
) -> AsyncIterator[Message]:
    async for request in requests:
        look(request)
        yield request


def single_requests(method: Method, request: Message) -> Iterator[tuple[Message, Method, str]]:
    """Yield what a request asks for, one by one: each with its method and its place."""
    requests = method.request.get("requests")
    if requests is None or method.item is None:
        yield request, method, ""
        return
    for i, one in enumerate(getattr(request, requests.name)):
        yield one, method.item, f"{requests.name}[{i}]"


def sent_rows(method: Method, request: Message, place: str) -> Iterator[tuple[Message, str]]:
    """Yield the rows that a single request sends, each with its path."""
    resource, rows = method.request.get("resource"), method.request.get("rows")
    if resource is not None and request.HasField(resource.name):
        yield getattr(request, resource.name), below(place, resource.name)
    if rows is not None:
        for i, row in enumerate(getattr(request, rows.name)):
            yield row, f"{rows.name}[{i}]"


def sent_masks(method: Method, request: Any, place: str) -> Iterator[tuple[Sequence[str], str]]:
    """Yield the paths of the update mask that a single request sends, or a stream's start, and its place."""
    mask, start = method.request.get("update_mask"), method.request.get("start")
    if mask is not None:
        yield getattr(request, mask.name).paths, below(place, mask.name)
    if start is not None:
        yield getattr(request, start.name).update_mask.paths, f"{start.name}.update_mask"
