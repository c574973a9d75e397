"""A pull writes how Citus spreads the tables that it finds."""

from pathlib import Path

import pytest

from gateway.introspect import require_match
from gateway.migrate import connect_to
from gateway.schema.protos.sources import compile_protos
from gateway.schema.read import read_schema
from gateway.schema.tables.metadata import build_tables
from tests.citus.cluster import Cluster
from tests.pull.pulling import pulled

pytestmark = pytest.mark.citus


async def test_pulled_tables_say_how_they_are_distributed(cluster: Cluster, tmp_path: Path) -> None:
    dsn = await cluster.holding("market")
    await pulled(dsn, tmp_path)
    schema = read_schema(compile_protos(tmp_path))
    found = {one.table: one.distribution for one in schema.resources.values()}
    assert {name: one.column for name, one in found.items() if one is not None} == {
        "item": "tenant_id",
        "order": "tenant_id",
        "product": None,
        "tenant": "id",
    }
    assert found.keys() == {"item", "order", "product", "tenant"}
    assert {found[name].group for name in ("item", "order", "tenant")} == {("public", "item")}
    await require_match(connect_to(dsn), build_tables(schema).metadata)


async def test_a_pull_keeps_the_table_that_an_author_named(cluster: Cluster, tmp_path: Path) -> None:
    dsn = await cluster.holding("market")
    _, first = await pulled(dsn, tmp_path)
    (name,) = {one.path for one in first if one.path.endswith("resources.proto")}
    file = tmp_path / name
    text = file.read_text().replace('colocate_with: "item"', 'colocate_with: "tenant"', 1)
    file.write_text(text)
    _, changes = await pulled(dsn, tmp_path)
    assert changes == []
    assert file.read_text() == text
