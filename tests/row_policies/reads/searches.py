"""What searches find: words, texts that are alike and near vectors, computed again in Python."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from tests.row_policies.tables import Row
from tests.search.books import likeness

_QUERIES: Mapping[str, Any] = {
    "sea": lambda words: "sea" in words,
    "old wolf": lambda words: {"old", "wolf"} <= words,
    "sea or wolf": lambda words: bool({"sea", "wolf"} & words),
    "old -sea": lambda words: "old" in words and "sea" not in words,
}
"""By a query, whether it finds words."""
FIELDS = ("text", "note")
"""Those whose words count."""
Parts = Mapping[str, Mapping[str, Any]]


def drawn_parts(chance: Random, hidden: set[str]) -> Parts:
    """Draw what is searched for, more often by what the caller may read."""
    lost = hidden if chance.random() < 0.7 else set[str]()
    fields = [name for name in FIELDS if name not in lost]
    parts: dict[str, Mapping[str, Any]] = {
        "like": {
            "text": chance.choice(("old sea", "the wolf", "locked")),
            "field": chance.choice(fields),
            "threshold": chance.choice((0.07, 0.31)),
        },
        "near": {"vector": [chance.randrange(4), 1], "maxDistance": chance.choice((1.2, 2.6, 99))},
    }
    if not lost.intersection(FIELDS):
        shown = chance.sample(FIELDS, chance.randrange(3))
        parts["words"] = {"query": chance.choice(list(_QUERIES)), "highlight": shown}
    names = chance.sample(sorted(parts), chance.randrange(1, len(parts) + 1))
    return {name: parts[name] for name in names}


def refusals_of_search(parts: Parts, hidden: set[str]) -> Sequence[str]:
    """Return how it is refused that a search goes by what its caller may not read."""
    words = "words" in parts and hidden.intersection(FIELDS)
    like = "like" in parts and parts["like"]["field"] in hidden
    return [
        *(["INVALID_ARGUMENT NOT_SEARCHABLE"] if words else []),
        *(["INVALID_ARGUMENT INVALID_SEARCH_FIELD"] if like else []),
    ]


def fits(parts: Parts, row: Row) -> bool:
    """Return whether a part finds a row."""
    return any(_FITS[name](part, row) for name, part in parts.items())


def _by_words(part: Mapping[str, Any], row: Row) -> bool:
    words = {word for name in FIELDS for word in re.findall(r"\w+", (row[name] or "").lower())}
    return bool(_QUERIES[part["query"]](words))


def _alike(part: Mapping[str, Any], row: Row) -> bool:
    text = row[part["field"]]
    return text is not None and bool(likeness(text, part["text"]) >= part["threshold"])


def _near(part: Mapping[str, Any], row: Row) -> bool:
    return bool(math.dist(json.loads(row["spot"]), part["vector"]) <= part["maxDistance"])


_FITS = {"words": _by_words, "like": _alike, "near": _near}


def told_of_hit(hit: Any) -> tuple[Any, ...]:
    """Return what is told of a hit beside its row."""
    measures = (hit.words_rank, hit.similarity, hit.distance)
    places = (hit.words_place, hit.like_place, hit.near_place)
    return hit.score, *places, *measures, [(one.field, one.html) for one in hit.highlights]
