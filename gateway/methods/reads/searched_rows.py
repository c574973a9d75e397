"""Rows by how well they fit, all of them or those after one: what Search reads of a request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from google.protobuf.message import Message

from gateway.methods.engine import Engine
from gateway.methods.reads.ordered_rows import Asked, Query, nulls_of, owner_of
from gateway.methods.reads.place import Place
from gateway.methods.reads.relations import AskedReader, Shapes, related_of
from gateway.methods.reads.row_responses import RowsResponse
from gateway.methods.selection import selection_reader
from gateway.policy.row_rules import read_rule
from gateway.request.calls.call import Call
from gateway.request.masks import read_fields
from gateway.request.pages.page_token import PAGE_TOKEN, fingerprint_of
from gateway.request.search import Parts, SearchedParts, WordsPart
from gateway.response.highlights import highlights_of
from gateway.response.related import RelatedShape
from gateway.response.shape import Row, RowShape
from gateway.schema.model import Field
from gateway.schema.services.searches import HIGHLIGHTS, SCORE, SearchMethod
from gateway.sql.reads.order import Nulls, after_values
from gateway.sql.reads.search import hits_order, select_hits
from gateway.sql.reads.select import Rows, selected

_STATEMENTS = 512
"""How many statements are kept: one for each shape of parts, filter, mask and start."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A request without its values: those of one shape share a statement.

    Args:
        paths: of the read mask.
        rows: among which rows.
        parts: what is searched for.
        after: where the page begins, which values are NULL; None for the first.
        related: what is asked of relations.

    """

    paths: tuple[str, ...]
    rows: Rows
    parts: Parts
    after: Nulls | None
    related: Shapes


class SearchedRows:
    """Reads the requests of one method.

    Args:
        method: the method.
        engine: the gateway's parts.

    """

    def __init__(self, method: SearchMethod, engine: Engine) -> None:
        self._method = method
        self._engine = engine
        self._resource = method.resource
        self._hits = method.hits
        self._table = engine.table(method.resource)
        self._tokens = engine.page_tokens
        relations = engine.relations_of(method)
        rules = engine.rules_of(method.resource)
        self._selection = selection_reader(method, rules, relations)
        self._parts = SearchedParts(method, hides_rows=engine.hides_rows or read_rule(rules) is not None)
        self._asked = AskedReader(method, relations)
        self._names = {role: field.name for role, field in method.request.items()}
        self._query = lru_cache(_STATEMENTS)(self._build)

    async def __call__(self, request: Message, call: Call) -> Asked:
        """Return what a request asks for; raises InvalidArgument."""
        token = self.argument(request, "page_token", "")
        last = self._tokens.open(token, PAGE_TOKEN) if token else None
        call.moment = None if last is None else last.moment
        rows, selected_values = self._selection(request, call)
        parts, searched = self._parts(request)
        values = {**selected_values, **searched}
        fingerprint = self._fingerprint(request, rows, parts, values, call)
        if last is not None:
            last.require(fingerprint, PAGE_TOKEN)
        place = Place(last.values) if last is not None else None
        asked = self._asked(request)
        paths = self._mask_paths(request)
        shape = Shape(paths, rows, parts, nulls_of(place), tuple(one.shape for one in asked))
        query = self._query(shape)
        after = after_values(place.values) if place is not None else {}
        of_related = query.related.values(self._engine, call, asked) if query.related.rows else {}
        return Asked(query, rows, {**values, **after, **of_related}, values, fingerprint, call.moment, place)

    def token(self, asked: Asked, rows: Sequence[Row]) -> str:
        """Return the token of what follows the hits, of which there is at least one."""
        return self._tokens.seal(asked.fingerprint, asked.query.values(rows[-1]), (), asked.moment)

    def argument(self, request: Message, role: str, default: Any) -> Any:
        """Return the value of a role's field; the default where the request has none."""
        name = self._names.get(role)
        return getattr(request, name) if name is not None else default

    def _mask_paths(self, request: Message) -> tuple[str, ...]:
        mask = self.argument(request, "read_mask", None)
        return tuple(mask.paths) if mask is not None else ()

    def _build(self, shape: Shape) -> Query:
        resource, hits = self._resource, self._hits
        mask = read_fields(resource, shape.paths, related=self._method.related)
        fields, related = selected(resource, mask), related_of(mask, self._engine, shape.related)
        statement = select_hits(
            resource,
            self._table,
            hits,
            fields,
            rows=shape.rows,
            parts=shape.parts,
            after=shape.after,
            related=related.rows,
        )
        row = RelatedShape(hits.relation(resource), RowShape(resource, fields, mask), related.shapes)
        of_hit = RowShape(hits.resource(resource), self._fields_of_hit(shape.parts))
        columns = [field.column for field in (*of_hit.fields, *fields)]
        places = tuple(columns.index(term.column) for term in hits_order(resource))
        return Query(statement, RowsResponse(self._method, of_hit, (row,)), places, (), related)

    def _fields_of_hit(self, parts: Parts) -> tuple[Field, ...]:
        """Return the fields that tell of a hit, where highlights become messages."""
        fields = dict(self._hits.fields)
        words = next((part for _, part in parts if isinstance(part, WordsPart)), None)
        if HIGHLIGHTS in fields:
            names = [self._resource.by_column[column].name for column in words.highlight] if words else []
            given = fields[HIGHLIGHTS]
            fields[HIGHLIGHTS] = replace(given, type=replace(given.type, decode=highlights_of(names)))
        return tuple(fields.values())

    def _fingerprint(
        self, request: Message, rows: Rows, parts: Parts, values: Mapping[str, Any], call: Call
    ) -> bytes:
        asked = self.argument(request, "filter", "")
        which = (self._method.full_name, asked, rows.equals, rows.live, sorted(values.items()), parts)
        return fingerprint_of(*which, SCORE, *owner_of(call))
