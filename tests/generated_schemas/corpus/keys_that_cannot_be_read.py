"""Keys that PostgreSQL alone reads, one of which it can't: the whole request was refused for that row."""

from tests.generated_schemas.drawing import Case
from tests.generated_schemas.schemas import Column, Schema

_GOOD, _BAD = {"span": "[1,5)", "mac": "08:00:2b:01:02:03"}, {"span": "[7,)", "mac": "ff:ff:ff:ff:ff:ff"}

CASE = Case(
    schema=Schema(
        syntax="proto3",
        message="Thing",
        columns=(Column("span", "int4range"), Column("mac", "macaddr"), Column("text", "string")),
        key=("span", "mac"),
    ),
    steps=(
        (
            "upsert",
            [_GOOD],
            {"on_conflict": 1, "on_duplicate": 1, "update_mask": [], "partial_failure": True},
        ),
        ("refused", "upsert", _GOOD, ("span", "[5,1)")),
        ("refused", "upsert", _BAD, ("mac", "nowhere")),
    ),
)
