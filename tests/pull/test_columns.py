"""What Rowgate makes of protos, a pull makes protos of again: types, keys, defaults, names."""

from pathlib import Path

import pytest

from gateway.introspect import require_match
from gateway.migrate import connect_to
from gateway.schema.protos.sources import compile_protos
from gateway.schema.read import read_schema
from gateway.schema.tables.metadata import build_tables
from tests.harness.databases import Databases
from tests.harness.gateway import schema_of
from tests.pull.pulling import lint, pulled


@pytest.mark.parametrize("name", ["types", "ledger", "adversarial"])
async def test_a_schema_comes_back_from_its_tables(name: str, databases: Databases, tmp_path: Path) -> None:
    schema = schema_of(name)
    dsn = await databases.copy_of(name, build_tables(schema).metadata)
    found, _ = await pulled(dsn, tmp_path / "protos", package="again")
    descriptors = compile_protos(tmp_path / "protos")
    again = read_schema(descriptors)
    await require_match(connect_to(dsn), build_tables(again).metadata)
    tables = {(one.schema, one.table): one for one in again.resources.values()}
    left = {one.name for one in found.report.columns}
    for made in schema.resources.values():
        read = tables[made.schema, made.table]
        assert read.primary_key == made.primary_key
        for field in made.fields:
            if f"{made.schema}.{made.table}.{field.column}" not in left:
                other = read.by_column[field.column]
                assert (other.type.sql, other.nullable) == (field.type.sql, field.nullable), field
    assert found.report.tables == []
    if name == "adversarial":
        assert lint(descriptors, tmp_path / "protos") == ""
