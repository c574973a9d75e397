"""Responses of rows: messages, or where a call's response is JSON that text, right from the rows."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.methods.event_loop_turns import Turns, in_turns, rows_at_once
from gateway.methods.handlers import JsonResponse, Response
from gateway.request.call import Call
from gateway.response.json_rows import row_to_json, rows_to_json
from gateway.response.rows import row_to_message, rows_in
from gateway.response.shape import Row, RowShape
from gateway.schema.model import Method
from gateway.schema.protojson.errors import JsonError
from gateway.schema.protojson.form import JsonForm, joined, list_text

_FORMS = 4
"""How many ways of writing JSON are kept compiled for a shape: a server has two."""
_PART = 1024 * 1024
"""Bytes of rows that are written at once."""


class RowsResponse:
    """Makes the responses of one method that hold rows of one shape.

    Args:
        method: the method; its response has the role `rows`.
        shape: the rows'.

    """

    def __init__(self, method: Method, shape: RowShape) -> None:
        rows = method.response["rows"]
        self._descriptor = method.descriptor.output_type
        self._make = GetMessageClass(self._descriptor)
        self._rows = rows
        self._of_rows = in_turns(rows_in(self._make, rows.name, shape), shape.fields)
        self._at_once = rows_at_once(shape.fields)
        self._to_json = lru_cache(_FORMS)(lambda writers: rows_to_json(shape, writers))

    async def __call__(self, rows: Sequence[Row], others: Mapping[str, Any], call: Call) -> Response:
        """Return the response of rows, and of the values of its other fields, by their names."""
        if call.json is None:
            return await self._message(rows, others)
        try:
            return await self._json(rows, others, call.json, call.held)
        except (JsonError, RecursionError):
            # Its message says where it is that JSON can't hold.
            return JsonResponse(call.json.of_message(await self._message(rows, others)), len(rows))

    async def _message(self, rows: Sequence[Row], others: Mapping[str, Any]) -> Message:
        response = await self._of_rows(rows)
        if others:
            response.MergeFrom(self._make(**others))
        return response

    async def _json(
        self, rows: Sequence[Row], others: Mapping[str, Any], form: JsonForm, held: int
    ) -> JsonResponse:
        plain = self._to_json(form.writers)
        texts, turns, count = [], Turns(), self._part(len(rows), held)
        for start in range(0, len(rows), count):
            texts.append(list_text(plain(rows[start : start + count])))
            await turns.give()
        members = dict(form.writers.of_message(self._descriptor)(self._make(**others)))
        if texts:
            members[form.writers.name_of(self._rows)] = joined(texts)
        return JsonResponse(form.text(members), len(rows))

    def _part(self, rows: int, held: int) -> int:
        """Return how many rows are written at once, of which so many bytes are held."""
        by_size = rows * _PART // held if held > _PART else rows
        return max(1, min(by_size, self._at_once or rows))


class RowResponse:
    """Makes the responses that are a row.

    Args:
        shape: the row's.

    """

    def __init__(self, shape: RowShape) -> None:
        self._descriptor = shape.resource.message
        self._message = row_to_message(shape)
        self._to_json = lru_cache(_FORMS)(lambda writers: row_to_json(shape, writers))

    def __call__(self, row: Row, call: Call) -> Response:
        """Return the response of a row."""
        form = call.json
        if form is None:
            return self._message(row)
        try:
            return JsonResponse(form.text(self._to_json(form.writers)(row)), 1)
        except (JsonError, RecursionError):
            return JsonResponse(form.of_message(self._message(row)), 1)
