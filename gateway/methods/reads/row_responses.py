"""Responses of rows: written part by part, and others have their turn between them."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from io import BytesIO
from typing import Any, TypeVar

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.methods.event_loop_turns import Turns, rows_at_once
from gateway.methods.handlers import Response, WrittenResponse
from gateway.request.calls.call import Call
from gateway.response.json_rows import row_to_json, rows_to_json
from gateway.response.related import RelatedShape, folded
from gateway.response.rows import row_to_message, rows_in
from gateway.response.sent_rows import sent_row, sent_rows
from gateway.response.serialized import serialized
from gateway.response.shape import Row, RowShape
from gateway.schema.model import StandardMethod
from gateway.schema.protojson.errors import JsonError
from gateway.schema.protojson.form import JsonForm, items_text

T = TypeVar("T")

_FORMS = 4
"""How many ways of writing JSON are kept compiled for a shape: a server has two."""
_PART = 1024 * 1024
"""Bytes of rows that are written at once."""


class RowsResponse:
    """Makes the responses of one method that hold rows of one shape.

    Args:
        method: the method; its response has the role `rows`.
        shape: the rows'.
        related: what they have of relations, behind their own columns.

    """

    def __init__(self, method: StandardMethod, shape: RowShape, related: Sequence[RelatedShape] = ()) -> None:
        shape, self._fold = folded(shape, related)
        rows = method.response["rows"]
        self._descriptor = method.descriptor.output_type
        self._make = GetMessageClass(self._descriptor)
        self._rows = rows
        self._of_rows = rows_in(self._make, rows.name, shape)
        self._sent_of_rows = sent_rows(self._make, rows.name, shape)
        self._at_once = rows_at_once(shape.fields)
        self._to_json = lru_cache(_FORMS)(lambda writers: rows_to_json(shape, writers))

    async def __call__(self, rows: Sequence[Row], others: Mapping[str, Any], call: Call) -> WrittenResponse:
        """Return the response of rows, and of the values of its other fields, by their names."""
        if self._fold is not None:
            rows = [*map(self._fold, rows)]
        if call.json is None:
            return WrittenResponse(await self._bytes(rows, others, call), len(rows))
        try:
            text = await self._json(rows, others, call.json, call)
        except (JsonError, RecursionError):
            # Its message says where it is that JSON can't hold.
            text = call.json.of_message(await self._message(rows, others, call))
        return WrittenResponse(text, len(rows), is_json=True)

    async def _bytes(self, rows: Sequence[Row], others: Mapping[str, Any], call: Call) -> bytes:
        # Messages one after the other are the message that holds what all of them do. They are put together
        # as they are made: to touch 64 MiB of new memory at one go takes tens of milliseconds.
        body = BytesIO()
        await self._in_parts(rows, lambda part: body.write(serialized(self._sent_of_rows(part))), call)
        if others:
            body.write(serialized(self._make(**others)))
        return body.getvalue()

    async def _message(self, rows: Sequence[Row], others: Mapping[str, Any], call: Call) -> Message:
        message = self._make(**others)
        for part in await self._in_parts(rows, self._of_rows, call):
            message.MergeFrom(part)
        return message

    async def _json(
        self, rows: Sequence[Row], others: Mapping[str, Any], form: JsonForm, call: Call
    ) -> bytes:
        if not rows or not form.holds(self._rows):
            return form.of_message(await self._message(rows, others, call))
        members = form.writers.of_message(self._descriptor)(self._make(**others))
        before, after = form.around(self._rows, members)
        plain, body = self._to_json(form.writers), BytesIO()

        def write(part: Sequence[Row]) -> None:
            body.write(b"," if body.tell() else before)
            body.write(items_text(plain(part)))

        await self._in_parts(rows, write, call)
        body.write(after)
        return body.getvalue()

    async def _in_parts(
        self, rows: Sequence[Row], write: Callable[[Sequence[Row]], T], call: Call
    ) -> list[T]:
        """Return what is written of each part of the rows; give way where that takes long."""
        count = self._part(len(rows), call.held)
        if count >= len(rows):
            return [write(rows)] if rows else []
        written, turns = [], Turns()
        for start in range(0, len(rows), count):
            written.append(write(rows[start : start + count]))
            await turns.give()
        return written

    def _part(self, rows: int, held: int) -> int:
        """Return how many rows are written at once, of which so many bytes are held."""
        by_size = rows * _PART // held if held > _PART else rows
        return max(1, min(by_size, self._at_once or rows))


class RowResponse:
    """Makes the responses that are a row.

    Args:
        shape: the row's.
        related: what it has of relations, behind its own columns.

    """

    def __init__(self, shape: RowShape, related: Sequence[RelatedShape] = ()) -> None:
        shape, self._fold = folded(shape, related)
        self._descriptor = shape.resource.message
        self._message = row_to_message(shape)
        self._sent = sent_row(shape)
        self._to_json = lru_cache(_FORMS)(lambda writers: row_to_json(shape, writers))

    def __call__(self, row: Row, call: Call) -> Response:
        """Return the response of a row."""
        if self._fold is not None:
            row = self._fold(row)
        form = call.json
        if form is None:
            return self._sent(row)
        try:
            return WrittenResponse(form.text(self._to_json(form.writers)(row)), 1, is_json=True)
        except (JsonError, RecursionError):
            return WrittenResponse(form.of_message(self._message(row)), 1, is_json=True)
