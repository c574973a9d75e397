"""Highlights: texts with marked words → HTML in which nothing but the marks has a meaning."""

from collections.abc import Callable, Mapping, Sequence
from html import escape

from gateway.sql.reads.search import HIGHLIGHT

_START, _STOP = HIGHLIGHT


def highlights_of(names: Sequence[str]) -> Callable[[Sequence[str | None]], list[Mapping[str, str]]]:
    """Return the function that makes highlights of the texts of fields of these names.

    A text without one of the words is left out.
    """

    def highlights(texts: Sequence[str | None]) -> list[Mapping[str, str]]:
        return [
            {"field": name, "html": _html(text)}
            for name, text in zip(names, texts, strict=True)
            if text is not None and _START in text
        ]

    return highlights


def _html(text: str) -> str:
    return escape(text).replace(_START, "<mark>").replace(_STOP, "</mark>")
