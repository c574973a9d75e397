"""BatchGet: rows by key, in the request's order (AIP-231)."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.db.coalesce import KeysRead
from gateway.errors import InvalidArgument, NotFound, ResourceRef
from gateway.methods.engine import Engine
from gateway.methods.event_loop_turns import Respond, in_turns
from gateway.request.call import Call
from gateway.request.keys import Key, encode_value, key_reader, key_text
from gateway.request.masks import read_fields
from gateway.response.rows import rows_in
from gateway.schema.model import Method
from gateway.sql.read import select_by_keys, selected

MAX_KEYS = 1000
"""The most keys of one request."""
MAX_NAMED = 25
"""The most missing keys that an error names, so that its details stay small."""

_STATEMENTS = 128


class BatchGet:
    """Answers a row per key, also where a key stands twice; soft-deleted rows too, as Get does.

    Keys without a row are told in the response's `missing`; where it has none, raises NotFound naming them.
    """

    def __init__(self, method: Method, engine: Engine) -> None:
        self._method = method
        self._resource = method.resource
        self._table = engine.table(method.resource)
        self._reads = engine.reads
        self._keys_name = method.request["keys"].name
        self._response = GetMessageClass(method.descriptor.output_type)
        item = method.item
        self._read_item = key_reader(method.resource, item.keys) if item is not None else None
        self._plan = lru_cache(_STATEMENTS)(self._build_plan)

    async def __call__(self, request: Message, call: Call) -> Message:
        """Return the rows' messages."""
        asked = getattr(request, self._keys_name)
        keys = self._read_keys(asked)
        mask = self._method.request.get("read_mask")
        read, respond = self._plan(tuple(getattr(request, mask.name).paths) if mask is not None else ())
        wanted = [tuple(key.values()) for key in keys]
        by_place = await self._reads.fetch(read, wanted, call) if keys else {}
        response = await respond([by_place[place] for place in sorted(by_place)])
        self._tell_missing(response, [i for i in range(len(keys)) if i + 1 not in by_place], asked, keys)
        return response

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

    def _build_plan(self, paths: tuple[str, ...]) -> tuple[KeysRead, Respond]:
        mask = read_fields(self._resource, paths)
        fields = selected(self._resource, mask)
        read = KeysRead(select_by_keys(self._resource, self._table, fields), self._resource.primary_key)
        rows = self._method.response["rows"].name
        return read, in_turns(rows_in(self._response, rows, self._resource, fields, mask), fields)

    def _tell_missing(
        self, response: Message, places: Sequence[int], asked: Sequence[Any], keys: Sequence[Key]
    ) -> None:
        """Put the missing keys, each once, into the response, or raise NotFound."""
        distinct: Mapping[str, int] = {key_text(self._resource, keys[i]): i for i in reversed(places)}
        if not distinct:
            return
        field = self._method.response.get("missing")
        if field is None:
            raise self._not_found(sorted(distinct, key=lambda text: distinct[text]))
        getattr(response, field.name).extend(asked[i] for i in sorted(distinct.values()))

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
