"""A masked field that is unset, of a column that has a default and is NOT NULL: bulk upserts refused it."""

from tests.generated_schemas.drawing import Case
from tests.generated_schemas.schemas import Column, Schema

_OPTIONS = {"on_conflict": 0, "on_duplicate": 1, "update_mask": ["*"], "partial_failure": False}

CASE = Case(
    schema=Schema(
        syntax="proto3",
        message="Thing",
        columns=(
            Column("id", "int64_bigint"),
            Column("note", "string", presence=True, default="none", not_null=True),
            Column("at", "timestamp", default={"seconds": 1, "nanos": 0}, not_null=True),
        ),
        key=("id",),
        roles={"version": "the_version"},
    ),
    steps=(
        ("create", {"id": 1, "note": "a", "at": {"seconds": 2, "nanos": 0}}),
        ("upsert", [{"id": 1}], _OPTIONS),
        ("upsert", [{"id": 1}, {"id": 2}], _OPTIONS),
        ("ingest", [{"id": 1, "note": "b"}], {**_OPTIONS, "update_mask": ["at"]}),
    ),
)
