"""A row takes a value that a later row of its request gives up, as the statement writes that one first."""

from tests.generated_schemas.drawing import Case
from tests.generated_schemas.schemas import Column, Schema

CASE = Case(
    schema=Schema(
        syntax="proto3",
        message="Select",
        columns=(Column("id", "int32_integer"), Column("sent", "string")),
        key=("id",),
        altered="exclusion",
    ),
    steps=(
        (
            "upsert",
            [{"id": 1, "sent": "one"}, {"id": 2, "sent": "two"}],
            {"on_conflict": 1, "on_duplicate": 1, "update_mask": [], "partial_failure": True},
        ),
        (
            "upsert",
            [{"id": 2, "sent": "one"}, {"id": 1, "sent": "other"}],
            {"on_conflict": 1, "on_duplicate": 1, "update_mask": [], "partial_failure": True},
        ),
    ),
)
