"""A table called like one of the catalog: statements read and wrote pg_catalog's, which comes first."""

from tests.generated_schemas.drawing import Case
from tests.generated_schemas.schemas import Column, Schema

_OPTIONS = {"on_conflict": 0, "on_duplicate": 1, "update_mask": [], "partial_failure": True}

CASE = Case(
    schema=Schema(
        syntax="proto3",
        message="PgClass",
        columns=(Column("oid", "int64_bigint"), Column("relname", "string"), Column("relkind", "open")),
        key=("oid",),
        roles={"version": "the_version", "updated_at": "updated_at", "soft_delete": "deleted_at"},
        unique=(("relname",),),
        indexes=({"columns": ["relname desc"]}, {"columns": ["relkind"], "where": "relkind IS NOT NULL"}),
        checks=("oid",),
    ),
    steps=(
        ("create", {"oid": 1, "relname": "a", "relkind": 1}),
        ("upsert", [{"oid": 1, "relname": "b"}, {"oid": 2, "relname": "c"}], _OPTIONS),
        ("ingest", [{"oid": 3, "relname": "d"}], _OPTIONS),
        ("update", {"oid": 1, "relname": "e"}, ["relname"], False, None),
        ("update", {"oid": 4, "relname": "f"}, None, True, None),
        ("batch", "update", [("update", {"oid": 1}, ["relkind"], False, None)]),
        ("delete", {"oid": 2}, False, None),
        ("undelete", {"oid": 2}, None),
        ("batch_get", [{"oid": 1}, {"oid": 9}]),
        ("list", ("is", "relname", ">", "a"), "relname desc", 1, False),
    ),
)
