"""Get: one row by key (AIP-131)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from google.protobuf.message import Message

from gateway.db.cached_rows import CachedRows
from gateway.db.coalesce import KeyRead
from gateway.errors import NotFound, ResourceRef
from gateway.methods.engine import Engine
from gateway.methods.handlers import Response
from gateway.methods.reads.relations import NONE, AskedReader, Related, Shapes, related_of
from gateway.methods.reads.row_responses import RowResponse
from gateway.policy.row_rules import read_rule
from gateway.request.calls.call import Call
from gateway.request.keys import Key, key_reader, key_text
from gateway.request.masks import read_fields
from gateway.request.relations.arguments import AskedRows
from gateway.response.shape import Row, RowShape
from gateway.schema.identity import key_identity
from gateway.schema.model import StandardMethod
from gateway.sql.dialect import dialect_of
from gateway.sql.reads.select import select_by_key, selected
from gateway.sql.statement import Statement

_STATEMENTS = 128
"""How many statements are kept per method: one for each read mask."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a read mask needs: its statements, and what makes its response.

    Args:
        read: the statements; rows with relations aren't shared by calls.
        response: makes the response.
        related: what it names of relations; None where nothing.

    """

    read: KeyRead
    response: RowResponse
    related: Related | None = None


class Get:
    """Answers soft-deleted rows too (AIP-164). Raises NotFound with the key."""

    def __init__(self, method: StandardMethod, engine: Engine) -> None:
        self._method = method
        self._engine = engine
        self._resource = method.resource
        self._table = engine.table(method.resource)
        self._rules = engine.rules_of(method.resource)
        self._reads = engine.reads
        self._read_key = key_reader(method.resource, method.keys)
        mask = method.request.get("read_mask")
        self._mask = mask.name if mask is not None else None
        self._asked = (
            AskedReader(method, engine.relations_of(method)) if "relations" in method.request else None
        )
        self._plan = lru_cache(_STATEMENTS)(self._build_plan)

    async def __call__(self, request: Message, call: Call) -> Response:
        """Return the row."""
        key = self._read_key(request, "")
        mask = self._mask
        paths = tuple(getattr(request, mask).paths) if mask and request.HasField(mask) else ()
        asked = self._asked(request) if self._asked is not None else ()
        plan = self._plan(paths, tuple(one.shape for one in asked)) if asked else self._plan(paths)
        values = key if self._rules is None else {**key, **self._rules.values(call.principal)}
        if plan.related is None:
            row = await self._reads.fetch(plan.read, plan.read.single.arguments(values), call)
        else:
            row = await self._fetch_related(plan, asked, values, call)
        if row is None:
            raise self._not_found(key_text(self._resource, key))
        return plan.response(row, call)

    async def _fetch_related(
        self, plan: Plan, asked: Sequence[AskedRows], values: Key, call: Call
    ) -> Row | None:
        statement, related = plan.read.single, plan.related or NONE
        values = {**values, **related.values(self._engine, call, asked)}
        rows = await self._engine.database.fetch(statement, statement.arguments(values), call)
        return rows[0] if rows else None

    def _build_plan(self, paths: tuple[str, ...], asked: Shapes = ()) -> Plan:
        mask = read_fields(self._resource, paths, related=self._method.related)
        fields = selected(self._resource, mask)
        rule = read_rule(self._rules)
        related, shape = related_of(mask, self._engine, asked), RowShape(self._resource, fields, mask)
        single = select_by_key(self._resource, self._table, fields, rule, related.rows)
        many = dialect_of(self._resource).select_by_keys(
            self._resource, self._table, fields, rule, related.rows
        )
        read = KeyRead(single, many, self._cached(single))
        if not related.rows:
            return Plan(read, RowResponse(shape))
        return Plan(read, RowResponse(shape, related.shapes), related)

    def _cached(self, single: Statement) -> CachedRows | None:
        """Return what makes the rows of a statement ones that may be kept; None where they aren't."""
        resource = self._resource
        if not resource.cache_seconds or self._engine.hides_rows:
            return None
        places = [single.binds.index(name) for name in resource.primary_key]
        identity = key_identity(resource.key_fields)
        table = f"{resource.schema}.{resource.table}"
        return CachedRows(table, resource.cache_seconds, lambda args: identity([args[at] for at in places]))

    def _not_found(self, key: str) -> NotFound:
        name = self._resource.message.full_name
        return NotFound(
            f"{name} {key} is not there",
            reason="ROW_NOT_FOUND",
            resources=[ResourceRef(name, key)],
        )
