"""Keys called like roles of their requests: they were bound twice, or refused by their types."""

from tests.generated_schemas.drawing import Case
from tests.generated_schemas.schemas import Column, Schema

_KEY = {"read_mask": 1, "allow_missing": True, "request_id": "", "etag": "one"}

CASE = Case(
    schema=Schema(
        syntax="proto3",
        message="Thing",
        columns=(
            Column("read_mask", "int32_integer"),
            Column("allow_missing", "bool"),
            Column("request_id", "string"),
            Column("etag", "string"),
            Column("note", "string"),
        ),
        key=("read_mask", "allow_missing", "request_id", "etag"),
        roles={"version": "the_version", "etag": "the_etag"},
    ),
    steps=(
        ("create", {**_KEY, "note": "a"}),
        ("get", _KEY),
        ("batch_get", [_KEY, {**_KEY, "read_mask": 2}]),
        ("batch", "update", [("update", {**_KEY, "note": "b"}, ["note"], False, 1)]),
        ("delete", {**_KEY, "read_mask": 2}, False, None),
        ("batch", "delete", [("delete", _KEY, False, None)]),
        ("get", _KEY),
    ),
)
