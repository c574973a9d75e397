"""The query of a URL: names and texts, as forms of pages write them."""

from collections.abc import Iterator
from urllib.parse import unquote_plus

from gateway.errors import InvalidArgument

MAX_PARAMETERS = 2000
"""The most parameters of one request: twice as many as there may be keys in one batch."""


def query_pairs(query: str) -> Iterator[tuple[str, str]]:
    """Yield the names and texts of a query; bytes that are no UTF-8 become lone surrogates.

    Raises InvalidArgument for more than MAX_PARAMETERS, before any is looked at.
    """
    count = query.count("&") + 1
    if count > MAX_PARAMETERS:
        raise InvalidArgument(
            f"the request has {count} parameters; at most {MAX_PARAMETERS} are allowed",
            reason="TOO_MANY_PARAMETERS",
            metadata={"limit": str(MAX_PARAMETERS)},
        )
    for pair in query.split("&"):
        name, _, text = pair.partition("=")
        if pair:
            yield _decoded(name), _decoded(text)


def _decoded(text: str) -> str:
    return unquote_plus(text, errors="surrogateescape") if "%" in text or "+" in text else text
