"""Keys in another spelling: an Update that created a row lost it, and equal ones met in a batch."""

from math import nan

from tests.generated_schemas.drawing import Case
from tests.generated_schemas.schemas import Column, Schema

_OTHER = {"ratio": nan, "value": {"value": "2.50"}, "net": "10.0.0.0/8", "note": '"\\u00e9"'}
_KEY = {"ratio": 1.5, "value": {"value": "1.0"}, "net": "10.0.0.1/32", "note": '"é"'}

CASE = Case(
    schema=Schema(
        syntax="proto3",
        message="Thing",
        columns=(
            Column("ratio", "float"),
            Column("value", "decimal_7_2"),
            Column("net", "cidr"),
            Column("note", "string_jsonb"),
            Column("text", "string", presence=True),
        ),
        key=("ratio", "value", "net", "note"),
        roles={"version": "the_version"},
    ),
    steps=(
        ("update", _KEY, None, True, None),
        ("update", {**_KEY, "value": {"value": "1"}, "text": "a"}, None, True, None),
        ("batch", "update", [("update", _OTHER, ["*"], True, None), ("update", _KEY, ["*"], True, None)]),
        ("batch", "update", [("update", _OTHER, None, True, None), ("update", _OTHER, None, False, None)]),
        ("batch", "delete", [("delete", _OTHER, False, None), ("delete", _OTHER, False, None)]),
        ("batch", "delete", [("delete", _OTHER, False, None), ("delete", _KEY, False, None)]),
    ),
)
