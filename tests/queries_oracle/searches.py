"""Searches: drawn, and what they have to find, by SQL of each part and fused by hand."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from tests.queries_oracle.kinds import TEXTS, string
from tests.queries_oracle.questions import Question
from tests.queries_oracle.served import Served
from tests.queries_oracle.tables import SCHEMAS, Row, Search, Table
from tests.search.books import likeness

Part = Mapping[str, Any]
_MEASURES = {
    "words": "words_rank",
    "like": "similarity",
    "near": "distance",
    "also_near": "also_near_distance",
}
NOT_FOUND: Row = {name: None for part, measure in _MEASURES.items() for name in (f"{part}_place", measure)}
_QUERIES = (
    *(
        "a",
        "ab or it's",
        "Zürich zurich",
        "-a",
        '"two lines"',
        "日本 or 😀",
        "!?",
        "x*y -lead",
        "50%",
        "NULL or nan",
    ),
    *("é or É", "ß", "the", '"', "İstanbul or a_b", "q uote", "or"),
)
_DAMPING = 60


@dataclass(frozen=True, slots=True)
class Searching:
    """What a Search is asked.

    Args:
        rows: among which rows, in which pages, and what is shown of them.
        parts: what is searched for, as the request has it.

    """

    rows: Question
    parts: Mapping[str, Part]

    @property
    def verb(self) -> str:
        """What it is counted as."""
        return "Search"

    def simpler(self) -> Iterator["Searching"]:
        """Yield what asks for less."""
        if len(self.parts) > 1:
            for name in self.parts:
                yield replace(self, parts={other: one for other, one in self.parts.items() if other != name})
        yield from (replace(self, rows=rows) for rows in self.rows.simpler())

    def sql(self) -> str:
        """Return what finds the rows of each part."""
        return "; ".join(_sql(self.rows, name, part) for name, part in self.parts.items())

    def __str__(self) -> str:
        """Tell what is asked."""
        return f"Search of {self.rows}: {self.parts}"


def drawn_search(rows: Question, chance: Random) -> Searching:
    """Draw what is searched for among rows that a question finds."""
    search = _search_of(rows.table)
    drawn = {"words": {"query": chance.choice(_QUERIES)}, "like": _drawn_text(search.likeness, chance)}
    if search.vectors:
        drawn |= {name: _drawn_vector(rows.table, chance) for name in ("near", "also_near")}
    names = [name for name in drawn if chance.random() < 0.6] or [chance.choice(list(drawn))]
    weighted = {name: drawn[name] | _some("weight", (0.0, 0.5, 2.5), chance) for name in names}
    return Searching(replace(rows, order=(), equal={}), weighted)


def _some(name: str, values: Sequence[float], chance: Random) -> dict[str, Any]:
    """Draw an argument that may be left out."""
    return {name: chance.choice(values)} if chance.random() < 0.4 else {}


def _drawn_text(columns: Sequence[str], chance: Random) -> dict[str, Any]:
    text = chance.choice([*(one for one in TEXTS if one.strip()), "aab ab", "two line", "Zurich!"])
    field = {"field": chance.choice(columns)} if len(columns) > 1 else {}
    return {"text": text, **field, **_some("threshold", (0.05, 0.5, 1.0), chance)}


def _drawn_vector(table: Table, chance: Random) -> dict[str, Any]:
    name = chance.choice(list(_search_of(table).vectors))
    vector = table.fields[name].kind.draw(chance)
    # An index may miss some of the nearest, and zeros alone are no direction.
    exact = {"exact": True, "vector": vector if any(vector) else [1.0, *vector[1:]]}
    return {"field": name, **exact, **_some("max_distance", (0.0, 0.4, 2.0), chance)}


async def found_hits(served: Served, asked: Searching) -> Sequence[tuple[int, Row]]:
    """Return which rows are due, the best first, each with its score, places and measures."""
    table = asked.rows.table
    scores: defaultdict[int, float] = defaultdict(float)
    told: defaultdict[int, Row] = defaultdict(lambda: dict(NOT_FOUND))
    for name, part in asked.parts.items():
        for place, (number, measure) in enumerate(await _ranked(served, asked.rows, name, part), 1):
            scores[number] += (part.get("weight") or 1.0) / (_DAMPING + place)
            told[number] |= {f"{name}_place": place, _MEASURES[name]: measure}
    keys = ", ".join(table.column(name) for name in table.key)
    rows = await served.sql.fetch(f"SELECT ctid::text AS place FROM {table.relation} AS t ORDER BY {keys}")  # noqa: S608 - a test's
    by_key = [served.places[table.name][row["place"]] for row in rows]
    best = sorted((number for number in by_key if number in scores), key=lambda number: -scores[number])
    return [(number, {"score": scores[number], **told[number]}) for number in best]


async def _ranked(served: Served, rows: Question, name: str, part: Part) -> Sequence[tuple[int, float]]:
    found = await served.sql.fetch(_sql(rows, name, part))
    numbers = [(served.places[rows.table.name][row["place"]], row["measure"]) for row in found]
    if name != "like":
        return numbers
    least = part.get("threshold", _search_of(rows.table).threshold)
    wanted = await served.sql.fetchval("SELECT lower($1::text)", part["text"])
    alike = [(number, likeness(text, wanted)) for number, text in numbers]
    return sorted((one for one in alike if one[1] >= least), key=lambda one: -one[1])


def _sql(rows: Question, name: str, part: Part) -> str:
    """Return what selects the rows that a part finds, with their measures; of texts that are alike all."""
    table = rows.table
    measure, met, best = _OF_PARTS[name](table, part)
    keys = ", ".join(table.column(key) for key in table.key)
    found = f"SELECT t.ctid::text AS place, {measure} AS measure FROM {table.relation} AS t"  # noqa: S608 - a test's
    return f"{found} WHERE ({rows.condition()}) AND {met} ORDER BY {best}{keys}"


def _by_words(table: Table, part: Part) -> tuple[str, str, str]:
    search = _search_of(table)
    words = " || ".join(
        f"setweight(to_tsvector('{search.language}', coalesce({table.column(name)}, '')), '{weight}')"
        for name, weight in search.words.items()
    )
    query = f"websearch_to_tsquery('{search.language}', {string(part['query'])})"
    return f"ts_rank_cd({words}, {query})", f"({words}) @@ {query}", "measure DESC, "


def _by_nearness(table: Table, part: Part) -> tuple[str, str, str]:
    operator, vector = _search_of(table).vectors[part["field"]], string(str(part["vector"]))
    distance = f"({table.column(part['field'])} {operator} {vector}::vector)"
    return distance, f"{distance} <= {part.get('max_distance', 1e300)}", "measure, "


def _texts(table: Table, part: Part) -> tuple[str, str, str]:
    column = table.column(part.get("field", _search_of(table).likeness[0]))
    return f"lower({column})", f"{column} IS NOT NULL", ""


_OF_PARTS = {"words": _by_words, "like": _texts, "near": _by_nearness, "also_near": _by_nearness}
"""What tells a row's measure, whether it is found, and the order of the best."""


def _search_of(table: Table) -> Search:
    assert table.search is not None
    return table.search


def told_hit(hit: Any) -> Row:
    """Return what a hit tells beside its row."""
    told = {field.name: value for field, value in hit.ListFields() if field.name in NOT_FOUND}
    return {"score": hit.score, **NOT_FOUND, **told}


def searched(schema: str) -> Sequence[Table]:
    """Return the tables of a schema that have a Search."""
    return [table for table in SCHEMAS[schema].values() if table.search is not None]
