"""BatchGet: rows by key, in the request's order (AIP-231)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from google.protobuf.message import Message

from gateway.db.coalesce import KeysRead
from gateway.errors import InvalidArgument, NotFound, ResourceRef
from gateway.methods.engine import Engine
from gateway.methods.handlers import WrittenResponse
from gateway.methods.reads.relations import AskedReader, Related, Shapes, related_of
from gateway.methods.reads.row_responses import RowsResponse
from gateway.policy.row_rules import caller_values, read_rule
from gateway.request.calls.call import Call
from gateway.request.keys import Key, encode_value, key_reader, key_text
from gateway.request.masks import read_fields
from gateway.request.relations.arguments import AskedRows
from gateway.response.shape import Row, RowShape
from gateway.schema.model import StandardMethod
from gateway.sql.dialect import dialect_of
from gateway.sql.reads.select import selected
from gateway.sql.statement import Statement

MAX_KEYS = 1000
"""The most keys of one request."""
MAX_NAMED = 25
"""The most missing keys that an error names, so that its details stay small."""

_STATEMENTS = 128


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a read mask needs.

    Args:
        statement: reads the rows.
        names: what each key gives of the statement's parameters.
        read: the statement, for calls that share it; None of rows with relations.
        respond: makes the response.
        related: what is read by relations.

    """

    statement: Statement
    names: Sequence[str]
    read: KeysRead | None
    respond: RowsResponse
    related: Related


class BatchGet:
    """Answers a row per key, also where a key stands twice; soft-deleted rows too, as Get does.

    Keys without a row are told in the response's `missing`; where it has none, raises NotFound naming them.
    """

    def __init__(self, method: StandardMethod, engine: Engine) -> None:
        self._method = method
        self._engine = engine
        self._resource = method.resource
        self._table = engine.table(method.resource)
        self._rules = engine.rules_of(method.resource)
        self._rule = read_rule(self._rules)
        self._caller_fields = self._rule.fields if self._rule is not None else ()
        self._reads = engine.reads
        self._keys_name = method.request["keys"].name
        item = method.item
        self._read_item = key_reader(method.resource, item.keys) if item is not None else None
        self._asked = AskedReader(method, engine.relations_of(method))
        self._plan = lru_cache(_STATEMENTS)(self._build_plan)

    async def __call__(self, request: Message, call: Call) -> WrittenResponse:
        """Return the rows' messages."""
        asked = getattr(request, self._keys_name)
        keys = self._read_keys(asked)
        mask = self._method.request.get("read_mask")
        paths = tuple(getattr(request, mask.name).paths) if mask is not None else ()
        related = self._asked(request)
        plan = self._plan(paths, tuple(one.shape for one in related))
        caller = self._caller_values(call)
        wanted = [(*key.values(), *caller) for key in keys]
        by_place = await self._fetch(plan, wanted, related, call) if keys else {}
        missing = self._missing([i for i in range(len(keys)) if i + 1 not in by_place], asked, keys)
        return await plan.respond([by_place[place] for place in sorted(by_place)], missing, call)

    async def _fetch(
        self, plan: "_Plan", wanted: Sequence[Sequence[Any]], asked: Sequence[AskedRows], call: Call
    ) -> Mapping[int, Row]:
        """Return the rows by the keys' places."""
        if plan.read is not None:
            return await self._reads.fetch(plan.read, wanted, call)
        columns = zip(plan.names, map(list, zip(*wanted, strict=True)), strict=True)
        values = {**dict(columns), **plan.related.values(self._engine, call, asked)}
        rows = await self._engine.database.fetch(plan.statement, plan.statement.arguments(values), call)
        return {row[0]: row[1:] for row in rows}

    def _caller_values(self, call: Call) -> Sequence[Any]:
        """Return the caller's values, which go with each key."""
        values = caller_values(self._rules, call.principal)
        return [values[field.column] for field in self._caller_fields]

    def _read_keys(self, asked: Sequence[Any]) -> list[Key]:
        if len(asked) > MAX_KEYS:
            raise InvalidArgument.field(
                self._keys_name,
                f"has {len(asked)} keys; at most {MAX_KEYS} are allowed",
                reason="TOO_MANY_KEYS",
            )
        return [self._read_key(key, f"{self._keys_name}[{i}]") for i, key in enumerate(asked)]

    def _read_key(self, key: Any, path: str) -> Key:
        if self._read_item is not None:
            return self._read_item(key, path)
        (field,) = self._resource.key_fields
        return {field.column: encode_value(field, key, path)}

    def _build_plan(self, paths: tuple[str, ...], asked: Shapes) -> "_Plan":
        mask = read_fields(self._resource, paths, related=self._method.related)
        fields, related = selected(self._resource, mask), related_of(mask, self._engine, asked)
        statement = dialect_of(self._resource).select_by_keys(
            self._resource, self._table, fields, self._rule, related.rows
        )
        names = (*self._resource.primary_key, *(field.column for field in self._caller_fields))
        respond = RowsResponse(self._method, RowShape(self._resource, fields, mask), related.shapes)
        read = None if related.rows else KeysRead(statement, names)
        return _Plan(statement, names, read, respond, related)

    def _missing(
        self, places: Sequence[int], asked: Sequence[Any], keys: Sequence[Key]
    ) -> Mapping[str, Sequence[Any]]:
        """Return the response's field of the missing keys, each once; raises NotFound where it has none."""
        distinct: Mapping[str, int] = {key_text(self._resource, keys[i]): i for i in reversed(places)}
        if not distinct:
            return {}
        field = self._method.response.get("missing")
        if field is None:
            raise self._not_found(sorted(distinct, key=lambda text: distinct[text]))
        return {field.name: [asked[i] for i in sorted(distinct.values())]}

    def _not_found(self, missing: Sequence[str]) -> NotFound:
        name = self._resource.message.full_name
        named = missing[:MAX_NAMED]
        more = f" and {len(missing) - len(named)} more" if len(missing) > len(named) else ""
        return NotFound(
            f"{name}: {'; '.join(named)}{more} are not there",
            reason="ROWS_NOT_FOUND",
            metadata={"missing_count": str(len(missing))},
            resources=[ResourceRef(name, text) for text in named],
        )
