"""Words in a language of the database's own, and in a column that others compute."""

from pathlib import Path

import asyncpg
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gateway.introspect import SchemaMismatchError
from gateway.migrate import MigrationError, apply
from gateway.schema.protos.sources import compile_protos
from gateway.schema.read import read_schema
from gateway.schema.tables.metadata import build_tables
from tests.harness.databases import Databases, create_tables, fetch
from tests.harness.gateway import client_of

PROTO = """
syntax = "proto3";
package towns.v1;
import "rowgate/v1/annotations.proto";
import "rowgate/v1/search.proto";
message Town {
  option (rowgate.v1.table) = {
    primary_key: "id" managed: %(managed)s
    search: {words: {column: {name: "name"} language: "%(language)s" stored_in: "its words"}}
  };
  int32 id = 1;
  string name = 2;
}
service TownService {
  rpc SearchTowns(SearchTownsRequest) returns (SearchTownsResponse);
}
message SearchTownsRequest {
  rowgate.v1.SearchWords words = 1;
  int32 page_size = 2;
  string page_token = 3;
}
message SearchTownsResponse {
  repeated Hit hits = 1;
  string next_page_token = 2;
}
message Hit {
  Town town = 1;
  double score = 2;
}
"""
PLAIN = (
    "CREATE EXTENSION unaccent",
    "CREATE TEXT SEARCH CONFIGURATION plain (COPY = simple)",
    "ALTER TEXT SEARCH CONFIGURATION plain ALTER MAPPING FOR word, hword, hword_part WITH unaccent, simple",
)


def _descriptors(folder: Path, **said: str) -> FileDescriptorSet:
    (folder / "towns.proto").write_text(PROTO % said)
    return compile_protos(folder)


async def _found(descriptors: FileDescriptorSet, dsn: str, query: str) -> list[str]:
    async with client_of(descriptors, dsn) as client:
        words = {"query": query, "highlight": ["name"]}
        answer = await client.call("towns.v1.TownService/SearchTowns", words=words)
    return [one.town.name for one in answer.hits]


async def test_a_configuration_of_the_databases_own(debian_15: str, tmp_path: Path) -> None:
    """As one that takes accents away; without it a migration is refused, with the place that names it."""
    dsn = await Databases(debian_15).empty()
    descriptors = _descriptors(tmp_path, managed="true", language="public.plain")
    metadata = build_tables(read_schema(descriptors)).metadata
    told = 'towns.proto:6: towns.v1.Town: generated: text search configuration "public.plain" does not exist'
    with pytest.raises(MigrationError, match=told):
        await apply(metadata, lambda: asyncpg.connect(dsn))
    for statement in PLAIN:
        await fetch(dsn, statement)
    await apply(metadata, lambda: asyncpg.connect(dsn))
    await fetch(dsn, "INSERT INTO town VALUES (1, 'Zürich'), (2, 'Bern')")
    assert await _found(descriptors, dsn, "zurich") == ["Zürich"]
    assert await _found(descriptors, dsn, "ZÜRICH") == ["Zürich"]


async def test_a_column_that_others_compute(databases: Databases, tmp_path: Path) -> None:
    dsn = await databases.empty()
    descriptors = _descriptors(tmp_path, managed="false", language="simple")
    await create_tables(dsn, build_tables(read_schema(descriptors)).metadata)
    await fetch(dsn, "INSERT INTO town VALUES (1, 'Bern')")
    assert await _found(descriptors, dsn, "bern") == ["Bern"]
    await fetch(dsn, 'ALTER TABLE town DROP COLUMN "its words"')
    with pytest.raises(SchemaMismatchError, match="column its words is missing: the schema says tsvector"):
        await _found(descriptors, dsn, "bern")
    await fetch(dsn, 'ALTER TABLE town ADD COLUMN "its words" tsvector')
    await fetch(dsn, "UPDATE town SET \"its words\" = 'capital'")
    assert await _found(descriptors, dsn, "capital") == ["Bern"]
