"""NULLs that aren't distinct in what PostgreSQL computes: rows of one bulk upsert were taken for equal."""

from tests.generated_schemas.drawing import Case
from tests.generated_schemas.schemas import Column, Schema

_OPTIONS = {"on_conflict": 3, "on_duplicate": 1, "update_mask": [], "partial_failure": True}

CASE = Case(
    schema=Schema(
        syntax="proto3",
        message="Thing",
        columns=(
            Column("id", "string"),
            Column("copied", "string", presence=True, computed="text"),
            Column("text", "string", presence=True),
        ),
        key=("id",),
        altered="unique with nulls",
    ),
    steps=(
        ("upsert", [{"id": "1", "text": "a"}], _OPTIONS),
        ("upsert", [{"id": str(n), "text": text} for n, text in enumerate("bacd", 2)], _OPTIONS),
        ("ingest", [{"id": str(n), "text": text} for n, text in enumerate("eaf", 6)], _OPTIONS),
    ),
)
