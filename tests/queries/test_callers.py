"""A query's own condition over the caller lets through what a table's policy would that says the same."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from gateway.app import Gateway
from gateway.cli.servers import SERVERS
from gateway.config.load import settings_of
from gateway.schema.protos.sources import compile_texts
from gateway.schema.read import read_schema
from gateway.schema.tables.metadata import build_tables
from tests.harness.callers import Caller, write_keys
from tests.harness.client import Client
from tests.harness.databases import Databases, fetch

SERVICE = "own.v1.NoteService"
SCHEMA = """syntax = "proto3";
package own.v1;
import "google/protobuf/empty.proto";
import "rowgate/v1/annotations.proto";
message Note {
  option (rowgate.v1.table) = {
    primary_key: "id"
    policy: {
      read: "owner = principal.id OR tenant = principal.claims.org.tenant OR level <= principal.claims.level"
    }
  };
  int64 id = 1;
  string owner = 2;
  optional string tenant = 3;
  int64 level = 4;
}
message ListNotesRequest { int32 page_size = 1; string page_token = 2; }
message ListNotesResponse { repeated Note notes = 1; string next_page_token = 2; }
message FoundNotes { repeated FoundNote notes = 1; }
message FoundNote { int64 id = 1; }
service NoteService {
  option (rowgate.v1.service).allow.roles = "authenticated";
  rpc ListNotes(ListNotesRequest) returns (ListNotesResponse);
  rpc FindNotes(google.protobuf.Empty) returns (FoundNotes) {
    option (rowgate.v1.method).sql = {
      query: "SELECT id FROM note WHERE owner = :principal.id OR tenant = :principal.claims.org.tenant"
             " OR level <= :principal.claims.level"
      policy: BYPASS
    };
  }
}
"""
VALUES: tuple[Any, ...] = ("", "a", "b", "1", 1, 2, -5, 2**70, 1.5, True, None, [], ["a"], {"a": 1}, "a\0")
CALLERS = [
    *(Caller(f"t{i}", claims={"org": {"tenant": value}}) for i, value in enumerate(VALUES)),
    *(Caller(f"l{i}", claims={"level": value}) for i, value in enumerate(VALUES)),
    *(Caller(name, claims={"org": org}) for name, org in (("a", "a"), ("b", ["a"]), ("c-d", None))),
]


@pytest.fixture
async def clients(databases: Databases, tmp_path: Path) -> AsyncIterator[dict[str, Client]]:
    """Serve the notes; give a client for each caller."""
    files = compile_texts({"own.proto": SCHEMA})
    dsn = await databases.copy_of("own", build_tables(read_schema(files)).metadata)
    owners, tenants = ("a", "b", "c-d", ""), ("a", "b", "", "1", None)
    for number, (owner, tenant) in enumerate((one, other) for one in owners for other in tenants):
        row = (number, owner, tenant, number % 5)
        await fetch(dsn, "INSERT INTO note (id, owner, tenant, level) VALUES ($1, $2, $3, $4)", *row)
    keys = write_keys(tmp_path / "keys.json", CALLERS)
    given = {"auth_providers": "api_key", "auth_api_keys": tmp_path / "keys.json", "log_access": "none"}
    gateway = await Gateway.start(files, settings_of(dsn=dsn, listen="127.0.0.1:0", **given), SERVERS["http"])
    async with AsyncExitStack() as stack:
        stack.push_async_callback(gateway.stop, 1)
        made = {
            name: Client(f"127.0.0.1:{gateway.port}", files, authorization=f"Bearer {key}")
            for name, key in keys.items()
        }
        for client in made.values():
            stack.push_async_callback(client.close)
        yield made


async def test_every_caller_has_the_rows_of_the_policy(clients: dict[str, Client]) -> None:
    sizes = set()
    for name, client in clients.items():
        listed = [one.id for one in (await client.call(f"{SERVICE}/ListNotes", page_size=1000)).notes]
        found = [one.id for one in (await client.call(f"{SERVICE}/FindNotes")).notes]
        assert sorted(found) == sorted(listed), name
        sizes.add(len(found))
    assert len(sizes) > 3
