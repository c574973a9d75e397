"""Get: one row by key (AIP-131)."""

from dataclasses import dataclass
from functools import lru_cache

from google.protobuf.message import Message

from gateway.db.coalesce import KeyRead
from gateway.errors import NotFound, ResourceRef
from gateway.methods.engine import Engine
from gateway.methods.handlers import Response
from gateway.methods.reads.row_responses import RowResponse
from gateway.policy.row_rules import read_rule
from gateway.request.call import Call
from gateway.request.keys import key_reader, key_text
from gateway.request.masks import read_fields
from gateway.response.shape import RowShape
from gateway.schema.model import Method
from gateway.sql.read import select_by_key, select_by_keys, selected

_STATEMENTS = 128
"""How many statements are kept per method: one for each read mask."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a read mask needs: its statements, and what makes its response."""

    read: KeyRead
    response: RowResponse


class Get:
    """Answers soft-deleted rows too (AIP-164). Raises NotFound with the key."""

    def __init__(self, method: Method, engine: Engine) -> None:
        self._resource = method.resource
        self._table = engine.table(method.resource)
        self._rules = engine.rules_of(method.resource)
        self._reads = engine.reads
        self._read_key = key_reader(method.resource, method.keys)
        mask = method.request.get("read_mask")
        self._mask = mask.name if mask is not None else None
        self._plan = lru_cache(_STATEMENTS)(self._build_plan)

    async def __call__(self, request: Message, call: Call) -> Response:
        """Return the row."""
        key = self._read_key(request, "")
        mask = self._mask
        plan = self._plan(tuple(getattr(request, mask).paths) if mask and request.HasField(mask) else ())
        values = key if self._rules is None else {**key, **self._rules.values(call.principal)}
        row = await self._reads.fetch(plan.read, plan.read.single.arguments(values), call)
        if row is None:
            raise self._not_found(key_text(self._resource, key))
        return plan.response(row, call)

    def _build_plan(self, paths: tuple[str, ...]) -> Plan:
        mask = read_fields(self._resource, paths)
        fields = selected(self._resource, mask)
        rule = read_rule(self._rules)
        single = select_by_key(self._resource, self._table, fields, rule)
        many = select_by_keys(self._resource, self._table, fields, rule)
        return Plan(KeyRead(single, many), RowResponse(RowShape(self._resource, fields, mask)))

    def _not_found(self, key: str) -> NotFound:
        name = self._resource.message.full_name
        return NotFound(
            f"{name} {key} is not there",
            reason="ROW_NOT_FOUND",
            resources=[ResourceRef(name, key)],
        )
