"""Statements that search: the rows of each part in their places, fused by these, and one page of them.

Reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009): a row's score is the sum of weight / (60 + place)
over the parts that found it. So measures that have nothing in common, as a rank and a distance, needn't be
compared.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Subquery,
    Table,
    and_,
    bindparam,
    case,
    cast,
    func,
    lateral,
    literal,
    literal_column,
    null,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import Integer, TypeEngine

from gateway.request.pages.order import Order, Term
from gateway.request.search import (
    EF_SEARCH,
    MAX_DISTANCE,
    QUERY,
    THRESHOLD,
    WEIGHT,
    LikePart,
    NearPart,
    Part,
    Parts,
    WordsPart,
    bound_name,
)
from gateway.schema.model import Field, Resource
from gateway.schema.search.ways import Words
from gateway.schema.services.searches import HIGHLIGHTS, PARTS, SCORE, Hits
from gateway.schema.tables.internal import OWN_COLUMNS
from gateway.schema.tables.literals import literal as sql_literal
from gateway.sql.binds import bound, read_column
from gateway.sql.reads.order import Nulls, order_clause, where_after
from gateway.sql.reads.relations import RelatedRows, joined
from gateway.sql.reads.select import Rows, row_conditions
from gateway.sql.statement import Statement, compile_statement
from gateway.sql.trigrams import similarity, trigrams_of

MAX_FOUND = 1000
"""The most rows of a part that count: no page leads further."""
MAX_NEAREST = 200
"""The most of those that an index of vectors finds: to find more takes it as long as to read all."""
DAMPING = 60
"""What is added to a row's place before it is fused."""
HIGHLIGHT = ("\x01", "\x02")
"""What stands before and behind words that were found, in no text as it is shown."""
_SHOWN = 100_000
"""The most characters of a text that are looked at for highlights."""
_PARTS_SHOWN = 3

_SCORE = f"{OWN_COLUMNS}{SCORE}"
_TEXT = postgresql.TEXT()
_REAL: TypeEngine[float] = postgresql.REAL()
_DOUBLE: TypeEngine[float] = postgresql.DOUBLE_PRECISION()
_SETTINGS = {False: "pg_trgm.similarity_threshold", True: "pg_trgm.word_similarity_threshold"}
Value = ColumnElement[Any]


def hits_order(resource: Resource) -> Order:
    """Return the order of what is found: the best first, by key where scores are equal."""
    return (Term(_SCORE, descending=True), *(Term(column) for column in resource.primary_key))


def select_hits(
    resource: Resource,
    table: Table,
    hits: Hits,
    fields: Sequence[Field],
    *,
    rows: Rows,
    parts: Parts,
    after: Nulls | None,
    related: Sequence[RelatedRows] = (),
) -> Statement:
    """Return the statement that reads the best rows, or those after one; `limit` is bound.

    The columns of `hits` come first, then `fields` of the rows, then what `related` reads.
    """
    found = [_Found(name, part, resource, table, rows) for name, part in parts]
    order, ranked = hits_order(resource), _scored(found, resource)
    known = Resource(resource.message, "", "", (hits.fields[SCORE], *resource.key_fields), ())
    page = select(*ranked.c).order_by(*order_clause(order, ranked)).limit(bindparam("limit", type_=Integer))
    if after is not None:
        page = page.where(where_after(order, after, known, ranked))
    best = page.subquery("rowgate_page")
    same = and_(*(table.c[column] == best.c[column] for column in resource.primary_key))
    answer = joined(table, best.join(table, same), related)
    told = [_told(name, best, found, table) for name in hits.fields]
    columns = [*told, *(read_column(field, table) for field in fields), *answer.columns]
    query = select(*columns).select_from(answer.source).order_by(*order_clause(order, best))
    all_fields = (*hits.fields.values(), *fields, *answer.fields)
    return compile_statement(query, fields=all_fields, name=f"search {resource.table}")


def _scored(found: Sequence["_Found"], resource: Resource) -> Subquery:
    """Return the rows that any part found, with their places, measures and scores."""
    fused = _fused(found, resource)
    points = [
        func.coalesce(
            bindparam(bound_name(one.name, WEIGHT), type_=_DOUBLE)
            / (literal_column(str(DAMPING)) + fused.c[one.place]),
            literal_column("0"),
        )
        for one in found
    ]
    score: Value = points[0]
    for one in points[1:]:
        score = score + one
    return select(*fused.c, cast(score, _DOUBLE).label(_SCORE)).subquery("rowgate_scored")


def _fused(found: Sequence["_Found"], resource: Resource) -> Subquery:
    ranked = [one.ranked() for one in found]
    if len(ranked) == 1:
        return ranked[0]
    keys, measures = resource.primary_key, [name for one in found for name in (one.place, one.measure)]
    types = {name: part.c[name].type for part in ranked for name in part.c.keys()}  # noqa: SIM118 - names
    sides = [
        select(
            *(part.c[key].label(key) for key in keys),
            *(part.c[name] if name in part.c else cast(null(), types[name]).label(name) for name in measures),
        )
        for part in ranked
    ]
    every = union_all(*sides).subquery("rowgate_found")
    best = (func.max(every.c[name], type_=types[name]).label(name) for name in measures)
    grouped = select(*(every.c[key] for key in keys), *best).group_by(*(every.c[key] for key in keys))
    return grouped.subquery("rowgate_fused")


def _told(name: str, best: Subquery, found: Sequence["_Found"], table: Table) -> Value:
    """Return what a field tells of a hit; NULL of parts that weren't searched for."""
    if name == HIGHLIGHTS:
        words = next((one for one in found if isinstance(one.part, WordsPart) and one.part.highlight), None)
        return cast(null(), postgresql.ARRAY(_TEXT)) if words is None else words.highlights(best, table)
    column = f"{OWN_COLUMNS}{name}"
    kind: TypeEngine[Any] = Integer() if name.endswith("_place") else _DOUBLE
    if name in ("words_rank", "similarity"):
        kind = _REAL
    return best.c[column] if column in best.c else cast(null(), kind).label(column)


def _set(name: str, value: Value) -> Value:
    """Return the call that sets a setting until the transaction's end."""
    return func.pg_catalog.set_config(literal_column(sql_literal(name)), value, literal_column("true"))


class _Found:
    """The rows that one part finds.

    Args:
        name: the part's.
        part: what is searched for.
        resource: of what.
        table: where.
        rows: among which rows.

    """

    def __init__(self, name: str, part: Part, resource: Resource, table: Table, rows: Rows) -> None:
        self.name = name
        self.part = part
        self.place, self.measure = (f"{OWN_COLUMNS}{one}" for one in PARTS[name])
        self._resource = resource
        self._table = table
        self._rows = rows

    def ranked(self) -> Subquery:
        """Return the rows' keys, places and measures."""
        found = self._limited()
        by = found.c[self.measure]
        best = by.asc() if isinstance(self.part, NearPart) else by.desc()
        keys = [found.c[column] for column in self._resource.primary_key]
        place = cast(func.row_number().over(order_by=[best, *keys]), Integer).label(self.place)
        return select(*keys, place, by).subquery(f"rowgate_{self.name}")

    def _limited(self) -> FromClause:
        """Return the rows of most worth, as many as count, where settings are what the part needs."""
        setting = self._setting()
        if setting is None:
            return self._query().subquery(f"rowgate_best_{self.name}")
        # Set for this statement, before a row is looked for: what is behind a lateral join comes after.
        made = select(setting.label("made")).subquery(f"rowgate_set_{self.name}")
        best = lateral(
            self._query().where(made.c.made.is_not(None)).correlate(made), f"rowgate_best_{self.name}"
        )
        return select(*best.c).select_from(made.join(best, true())).subquery(f"rowgate_after_{self.name}")

    def _setting(self) -> Value | None:
        """Return the call that sets what an extension's index goes by; None where nothing is."""
        if isinstance(self.part, LikePart) and self.part.way.indexed:
            return _set(_SETTINGS[self.part.way.parts], cast(self._bound(THRESHOLD, _DOUBLE), _TEXT))
        if isinstance(self.part, NearPart) and not self.part.exact:
            # NULL is as RESET: what an earlier statement of the transaction has set holds no longer.
            kept = _set("hnsw.ef_search", self._bound(EF_SEARCH, _TEXT))
            scanned = _set("hnsw.iterative_scan", literal_column("'strict_order'"))
            return func.concat(kept, scanned, type_=_TEXT)
        return None

    def _query(self) -> Select[Any]:
        table, wanted = self._table, None
        if isinstance(self.part, LikePart) and not self.part.way.indexed:
            wanted = select(trigrams_of(self._bound(QUERY, _TEXT)).label("wanted")).subquery("rowgate_wanted")
        value, conditions = self._measured(wanted)
        measure = value.label(self.measure)
        keys = [table.c[column] for column in self._resource.primary_key]
        source = table if wanted is None else table.join(wanted, true())
        query = select(*keys, measure).select_from(source)
        query = query.where(*row_conditions(self._resource, table, self._rows), *conditions)
        return query.order_by(*self._order(value, keys)).limit(literal_column(str(self._most())))

    def _most(self) -> int:
        return MAX_NEAREST if isinstance(self.part, NearPart) and not self.part.exact else MAX_FOUND

    def _order(self, value: Value, keys: Sequence[Value]) -> Iterator[Value]:
        if isinstance(self.part, NearPart):
            yield value.asc()
            if not self.part.exact:
                return  # an index gives the order of distances alone
        else:
            yield value.desc()
        yield from keys

    def _measured(self, wanted: FromClause | None) -> tuple[Value, list[ColumnElement[bool]]]:
        """Return a row's measure, and the conditions of those that are found."""
        match self.part:
            case WordsPart(way):
                column, query = self._table.c[way.column], self._tsquery(way)
                rank = func.pg_catalog.ts_rank_cd(column, query, type_=_REAL)
                return rank, [column.op("@@", is_comparison=True)(query)]
            case LikePart():
                return self._alike(self.part, wanted)
            case NearPart():
                return self._distance(self.part)

    def _alike(self, part: LikePart, wanted: FromClause | None) -> tuple[Value, list[ColumnElement[bool]]]:
        column, text = self._table.c[part.way.column], self._bound(QUERY, _TEXT)
        if wanted is not None:
            least = self._bound(THRESHOLD, _DOUBLE)
            alike = similarity(column, wanted.c.wanted, least)
            return alike, [alike >= least]
        if part.way.parts:
            alike = func.word_similarity(text, column, type_=_REAL)
            return alike, [column.op("%>", is_comparison=True)(text)]
        return func.similarity(column, text, type_=_REAL), [column.op("%", is_comparison=True)(text)]

    def _distance(self, part: NearPart) -> tuple[Value, list[ColumnElement[bool]]]:
        way = part.way
        wanted = bound(self._resource.by_column[way.column].type, bound_name(self.name, QUERY))
        distance: Value = self._table.c[way.column].op(way.distance.value, return_type=_DOUBLE)(wanted)
        # NULL has none, nor have zeros a direction: these come as NaN, which is more than any number.
        conditions = [distance < literal_column("'Infinity'::float8")]
        if part.bounded:
            conditions.append(distance <= self._bound(MAX_DISTANCE, _DOUBLE))
        # What isn't the operator alone no index gives in order.
        return (distance + literal_column("0", _DOUBLE) if part.exact else distance), conditions

    def _tsquery(self, way: Words) -> Value:
        # SQLAlchemy has these functions without a schema alone. PostgreSQL finds its own first, of just these
        # types.
        language: Value = literal_column(f"{sql_literal(way.language)}::regconfig")
        return func.websearch_to_tsquery(language, self._bound(QUERY, _TEXT))

    def highlights(self, best: Subquery, table: Table) -> Value:
        """Return the texts around the words, of rows that were found by them."""
        if not isinstance(self.part, WordsPart):
            raise TypeError(self.part)
        start, stop = HIGHLIGHT
        options = f"StartSel={start}, StopSel={stop}, MaxFragments={_PARTS_SHOWN}, ShortWord=0"
        language: Value = literal_column(f"{sql_literal(self.part.way.language)}::regconfig")
        made = [
            func.ts_headline(
                language,
                func.pg_catalog.translate(
                    func.pg_catalog.left(cast(table.c[column], _TEXT), _SHOWN),
                    literal(start + stop),
                    literal(""),
                ),
                self._tsquery(self.part.way),
                literal(options),
            )
            for column in self.part.highlight
        ]
        texts = cast(postgresql.array(made, type_=_TEXT), postgresql.ARRAY(_TEXT))
        return case((best.c[self.place].is_not(None), texts)).label(f"{OWN_COLUMNS}{HIGHLIGHTS}")

    def _bound(self, name: str, type_: TypeEngine[Any]) -> Value:
        return bindparam(bound_name(self.name, name), type_=type_)
