"""New rows as transforms make them of what was sent, to be inserted so."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache, partial

from gateway.methods.idempotent import Session
from gateway.methods.row_changes.by_key import Edit
from gateway.methods.row_changes.row_errors import RowErrors
from gateway.methods.row_changes.statement_shapes import MAX_SHAPES, grouped
from gateway.request.relations.trees import NewRow
from gateway.request.transforms import Transform
from gateway.schema.model import Resource
from gateway.sql.writes.transformed_rows import transformed_rows

_Shape = tuple[tuple[str, ...], tuple[Transform, ...]]


class TransformedRows:
    """Makes new rows of one table of those that were sent with transforms."""

    def __init__(self, resource: Resource) -> None:
        self._resource = resource
        self._statement = lru_cache(MAX_SHAPES)(partial(transformed_rows, resource))

    async def made(self, session: Session, sent: Sequence[tuple[Edit, NewRow]]) -> list[NewRow]:
        """Return the rows; raises OutOfRange for the first whose columns can't hold what is made.

        Args:
            session: where they are to be inserted: times are its own.
            sent: each row with the edit that it stands for.

        """
        rows = [row for _, row in sent]
        for (columns, transforms), places in grouped(sent, _shape).items():
            if not transforms:
                continue
            statement = self._statement(columns, transforms)
            arguments = statement.arguments([{**sent[i][1].values, **sent[i][0].operands} for i in places])
            for i, (unfit, *values) in zip(
                places, await session.fetch(statement.statement, arguments), strict=True
            ):
                edit, row = sent[i]
                if unfit is not None:
                    raise RowErrors(self._resource, edit.key, edit.place).unfit(unfit)
                outcomes = dict(zip((one.column for one in transforms), values, strict=True))
                rows[i] = replace(row, values={**row.values, **outcomes})
        return rows


def _shape(sent: tuple[Edit, NewRow]) -> _Shape:
    """Return what decides which statement makes a row: transforms, and which of their columns it sends."""
    edit, row = sent
    transforms = edit.transforms.shape
    return tuple(one.column for one in transforms if one.column in row.values), transforms
