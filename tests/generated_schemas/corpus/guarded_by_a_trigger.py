"""A trigger keeps rows out: a bulk upsert told such rows, which it didn't store, UNCHANGED."""

from tests.generated_schemas.drawing import Case
from tests.generated_schemas.schemas import Column, Schema

_KEPT, _LEFT = {"id": 1, "text": "a"}, {"id": 2}
_OPTIONS = {"on_conflict": 1, "on_duplicate": 1, "update_mask": [], "partial_failure": True}

CASE = Case(
    schema=Schema(
        syntax="proto3",
        message="Thing",
        columns=(Column("id", "int32_integer"), Column("text", "string", presence=True)),
        key=("id",),
        altered="guarded",
    ),
    steps=(
        ("upsert", [_KEPT, _LEFT], _OPTIONS),
        ("ingest", [_LEFT, {"id": 1}], {**_OPTIONS, "update_mask": ["text"]}),
        ("create", _LEFT),
        ("update", {"id": 1}, ["text"], False, None),
        ("update", _LEFT, None, True, None),
    ),
)
