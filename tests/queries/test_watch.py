"""`rowgate serve --watch` tells what is wrong with a query that is saved, and serves it once it is right."""

from pathlib import Path

from gateway.schema.protos.sources import compile_protos
from tests.cli.test_watch import REFUSED, Project
from tests.harness.client import Client
from tests.harness.databases import Databases
from tests.harness.gateway import ledger_database

QUERY = """syntax = "proto3";
package ledger.v1;
import "google/protobuf/empty.proto";
import "rowgate/v1/annotations.proto";
message Total { int64 total = 1; }
service TotalService {
  rpc CountAll(google.protobuf.Empty) returns (Total) {
    option (rowgate.v1.method).sql.query = "SELECT count(*) AS total FROM \\"Ledger\\".oder";
  }
}
"""


async def test_a_query_is_served_once_it_is_right(databases: Databases, tmp_path: Path) -> None:
    project = Project(tmp_path, await ledger_database(databases))
    file = project.protos / "ledger" / "v1" / "total.proto"
    async with project.watched() as (server, target):
        file.write_text(QUERY)
        refused = (await server.logged(REFUSED))["error"]
        column = QUERY.splitlines()[7].index('\\"Ledger') + 1
        assert f"ledger/v1/total.proto:8:{column}: ledger.v1.TotalService.CountAll: " in refused
        assert 'relation "Ledger.oder" does not exist' in refused
        project.save(file, "oder", '\\"order\\"')
        await server.logged("reloaded")
        client = Client(target, compile_protos(project.protos))
        assert (await client.call("ledger.v1.TotalService/CountAll")).total == 0
        await client.close()
