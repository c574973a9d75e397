"""Books that are searched for, and what searches have to find: by SQL by hand, and fused in Python."""

import random
import re
import struct
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import asyncpg

from tests.harness.gateway import RunningGateway

SEARCH = "finds.v1.FindService/SearchBooks"
TITLES = (
    "The old man and the sea",
    "Sea wolves",
    "The sailor",
    "Kitchens",
    "Man of the sea",
    "Wolf & sheep",
    "Sea",
)
TEXTS = (
    "Nets & a <b>fisherman</b> < 5 'ells'",
    "wolves in the kitchen of the sea",
    "",
    "men sailing, sea after sea",
    None,
)
_WORDS = (
    "setweight(to_tsvector('english', title), 'A')"
    " || setweight(to_tsvector('english', coalesce(text, '')), 'C')"
)
DISTANCES = {"taste": "<=>", "place": "<->", "product": "<#>"}
SIZES = {"taste": 3, "place": 2, "product": 4}
_LIVE = "deleted_at IS NULL"


class Asked(NamedTuple):
    """What is searched for, and among which books."""

    parts: Mapping[str, Mapping[str, Any]]
    where: str = "true"


def vector(drawn: random.Random, size: int) -> list[float]:
    """Return a vector of floats as a message holds them; whole numbers, so that distances tie."""
    return [float(drawn.choice((-2, -1, 0.5, 1, 3))) for _ in range(size)]


async def fill(dsn: str, count: int, seed: int = 1) -> None:
    """Store books, some deleted, on three shelves."""
    drawn = random.Random(seed)  # noqa: S311 - no secret
    rows = [
        (
            number % 3 + 1,
            number,
            drawn.choice(TITLES),
            drawn.choice(TEXTS),
            *(str(vector(drawn, size)) for size in SIZES.values()),
            drawn.random() < 0.2,
            drawn.random() < 0.3,
        )
        for number in range(count)
    ]
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("INSERT INTO shelf VALUES (1, 'hall'), (2, 'attic'), (3, 'cellar')")
        await connection.executemany(
            "INSERT INTO book (shelf, id, title, text, taste, place, product, deleted_at, secret)"
            " VALUES ($1, $2, $3, $4, $5::text::vector, $6::text::vector, $7::text::vector,"
            " CASE WHEN $8 THEN now() END, $9)",
            rows,
        )
    finally:
        await connection.close()


async def found(
    gateway: RunningGateway, asked: Asked
) -> list[tuple[tuple[int, int], float, dict[str, float]]]:
    """Return the keys of all books that are found, with their scores and measures, the best first."""
    scores: defaultdict[tuple[int, int], float] = defaultdict(float)
    measures: defaultdict[tuple[int, int], dict[str, float]] = defaultdict(dict)
    for part, given in asked.parts.items():
        for place, (key, value) in enumerate(await _ranked(gateway, part, given, asked.where), 1):
            scores[key] += (given.get("weight") or 1.0) / (60 + place)
            measures[key] |= {f"{part}_place": place, _MEASURES[part]: value}
    order = sorted(scores, key=lambda key: (-scores[key], key))
    return [(key, scores[key], measures[key]) for key in order]


_MEASURES = {
    "words": "words_rank",
    "like": "similarity",
    "near": "distance",
    "also_near": "also_near_distance",
}


async def _ranked(
    gateway: RunningGateway, part: str, given: Mapping[str, Any], where: str
) -> Sequence[tuple[tuple[int, int], float]]:
    match part:
        case "words":
            query = "websearch_to_tsquery('english', $1)"
            rows = await gateway.sql(
                f"SELECT shelf, id, ts_rank_cd({_WORDS}, {query}) AS value FROM book"  # noqa: S608 - written here
                f" WHERE {_LIVE} AND ({where}) AND ({_WORDS}) @@ {query} ORDER BY 3 DESC, 1, 2",
                given["query"],
            )
        case "like":
            return await _alike(gateway, given, where)
        case _:
            distance = f"{given['field']} {DISTANCES[given['field']]} $1::text::vector"
            rows = await gateway.sql(
                f"SELECT shelf, id, {distance} AS value FROM book WHERE {_LIVE} AND ({where})"  # noqa: S608 - as above
                f" AND {distance} <= $2 ORDER BY 3, 1, 2",
                str(given["vector"]),
                given.get("max_distance", 1e300),
            )
    return [((row["shelf"], row["id"]), row["value"]) for row in rows]


async def _alike(
    gateway: RunningGateway, given: Mapping[str, Any], where: str
) -> Sequence[tuple[tuple[int, int], float]]:
    rows = await gateway.sql(f"SELECT shelf, id, title FROM book WHERE {_LIVE} AND ({where})")  # noqa: S608 - as above
    alike = [((row["shelf"], row["id"]), likeness(row["title"], given["text"])) for row in rows]
    kept = [one for one in alike if one[1] >= given.get("threshold", 0.3)]
    return sorted(kept, key=lambda one: (-one[1], one[0]))


def likeness(one: str, other: str) -> float:
    """Return how alike two texts are by their trigrams, as a float of four bytes."""
    first, second = trigrams(one), trigrams(other)
    share = len(first & second) / len(first | second) if first | second else 0.0
    narrow: float = struct.unpack("f", struct.pack("f", share))[0]
    return narrow


def trigrams(text: str) -> set[str]:
    """Return a text's trigrams, as pg_trgm has them."""
    words = (f"  {word} " for word in re.findall(r"[^\W_]+", text.lower()))
    return {word[i : i + 3] for word in words for i in range(len(word) - 2)}
