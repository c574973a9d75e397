"""Which version a request expects its row to be at (AIP-154)."""

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from gateway.errors import Aborted
from gateway.request.etag import version_of
from gateway.request.keys import below
from gateway.schema.model import Method

Expectation = Callable[[Message, str], int | None]
"""(request, its proto path in a batch) → the expected version; None where the caller expects none."""


def expectation(method: Method) -> Expectation:
    """Return the function that reads the expected version of a method's requests.

    It stands in the request's `etag` or `version`, or in the resource's etag. A resource without an etag
    field is checked against its own version, where that is not 0: there is no other way to send it back.
    Raises InvalidArgument, when called, for what is no etag, and Aborted for expectations that contradict.
    """
    readers = [*_request_readers(method), *_resource_readers(method)]
    if len(readers) < 2:  # noqa: PLR2004 - nothing that could contradict
        return readers[0] if readers else _none

    def read(request: Message, place: str) -> int | None:
        versions = {version for reader in readers if (version := reader(request, place)) is not None}
        if len(versions) > 1:
            raise Aborted("the request expects several versions of the row", reason="ETAG_MISMATCH")
        return versions.pop() if versions else None

    return read


def _none(_: Message, __: str) -> None:
    """Return no expectation."""


def _request_readers(method: Method) -> list[Expectation]:
    readers: list[Expectation] = []
    if "etag" in method.request:
        readers.append(lambda request, place: _of_etag(request, "etag", place))
    if "version" in method.request:
        readers.append(lambda request, _: _version(request, "version"))
    return readers


def _resource_readers(method: Method) -> list[Expectation]:
    resource, holder = method.resource, method.request.get("resource")
    if holder is None or resource.version is None:
        return []
    name = holder.name
    etag, version = resource.etag, resource.by_column[resource.version].name
    if etag is not None:
        return [lambda request, place: _of_etag(getattr(request, name), etag, below(place, name))]
    return [lambda request, _: _version(getattr(request, name), version)] if _alone(method) else []


def _alone(method: Method) -> bool:
    return "etag" not in method.request and "version" not in method.request


def _of_etag(message: Message, name: str, place: str) -> int | None:
    text: str = getattr(message, name)
    return version_of(text, below(place, name)) if text else None


def _version(message: Any, name: str) -> int | None:
    return int(getattr(message, name)) or None
