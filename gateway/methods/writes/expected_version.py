"""The version that a request expects its row to be at (AIP-154)."""

from collections.abc import Callable

from google.protobuf.message import Message

from gateway.errors import Aborted
from gateway.request.etag import of_etag, of_version, row_expectation, sent_value
from gateway.request.keys import below
from gateway.schema.model import StandardMethod

Expectation = Callable[[Message, str], int | None]
"""(request, its proto path in a batch) → the expected version; None where the caller expects none."""


def expectation(method: StandardMethod) -> Expectation:
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


def _request_readers(method: StandardMethod) -> list[Expectation]:
    readers: list[Expectation] = []
    if "etag" in method.request:
        etag = sent_value(method.request["etag"])
        readers.append(lambda request, place: of_etag(etag(request), below(place, "etag")))
    if "version" in method.request:
        version = sent_value(method.request["version"])
        readers.append(lambda request, _: of_version(version(request)))
    return readers


def _resource_readers(method: StandardMethod) -> list[Expectation]:
    resource, holder = method.resource, method.request.get("resource")
    expected = row_expectation(resource) if holder is not None else None
    if holder is None or expected is None or (resource.etag is None and not _alone(method)):
        return []
    name = holder.name
    return [lambda request, place: expected(getattr(request, name), below(place, name))]


def _alone(method: StandardMethod) -> bool:
    return "etag" not in method.request and "version" not in method.request
