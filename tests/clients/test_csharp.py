"""C#: protoc generates what docs/clients.md says, and the program uses that. No .NET is here to run it."""

import re
import subprocess
from pathlib import Path

import grpc_tools
import pytest

from tests.harness.gateway import schema_of
from tests.harness.sample import ROOT

PROGRAM = ROOT / "examples" / "clients" / "csharp" / "Program.cs"
# What the program uses of .NET, Google.Protobuf, Google.Api.CommonProtos and Grpc.Net.Client.
LIBRARIES = """
AddRange AddSeconds BackoffMultiplier BadRequest Client CompleteAsync Configuration Console Core Count
DateTime Default Delay Empty Enumerable ErrorInfo Exception Field FieldMask FieldViolations ForAddress
FromSeconds Func GetDetail GetRpcStatus Google Grpc GrpcChannel GrpcChannelOptions Guid IClientStreamWriter
IEnumerable IOException InitialBackoff Json JsonSerializer Length List MaxAttempts MaxBackoff MethodConfig
MethodConfigs MethodName Names Net NewGuid Paths Protobuf ReadAllAsync Reason RequestStream ResponseStream
RetryPolicy RetryableStatusCodes Rpc RpcException Seconds Select Serialize ServiceConfig StatusCode System
Task Text TimeSpan Timestamp ToArray ToString Unavailable UtcNow WellKnownTypes WriteAsync WriteLine
"""


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the C# of the sample and rowgate/v1, by the protoc that Maven brings: grpcio-tools has none."""
    compilers = list((ROOT / ".tools").glob("flights-client-java/protoc-plugins/protoc-[0-9]*.exe"))
    if not compilers:
        pytest.skip("there is no protoc with C#: `make test-tools` gets one where Maven is")
    folder = tmp_path_factory.mktemp("csharp")
    bundled = Path(next(iter(grpc_tools.__path__))) / "_proto"
    paths = [f"--proto_path={path}" for path in (ROOT / "protos", ROOT / "generated" / "googleapis", bundled)]
    protos = sorted((ROOT / "protos").rglob("*.proto"))
    out = ("--csharp_opt=base_namespace=", f"--csharp_out={folder}")
    subprocess.run([compilers[0], *paths, *out, *protos], check=True)
    assert {path.parent.relative_to(folder).as_posix() for path in folder.rglob("*.cs")} == {
        "Flights/V1",
        "Rowgate/V1",
    }
    return "\n".join(path.read_text() for path in folder.rglob("*.cs"))


def test_the_program_uses_what_is_generated(generated: str) -> None:
    assert set(re.findall(r"^namespace ([\w.]+)", generated, re.MULTILINE)) == {"Flights.V1", "Rowgate.V1"}
    public = r"public (?:sealed partial class|[\w:.<>]+) (\w+) [:{]"
    known = {*LIBRARIES.split(), "Flights", "Rowgate", "V1"} | set(re.findall(public, generated))
    # The plugin for gRPC, which isn't here, makes these.
    for service in schema_of("../../protos").services.values():
        name = service.full_name.rpartition(".")[2]
        methods = {method.full_name.rpartition(".")[2] for method in service.methods}
        known |= {name, f"{name}Client"} | methods | {f"{method}Async" for method in methods}
    text = re.sub(r'"(?:[^"\\]|\\.)*"|//.*', "", PROGRAM.read_text())
    own = set(re.findall(r"^static .*? (\w+)(?:<T>)?\(", text, re.MULTILINE))
    used = set(re.findall(r"\b[A-Z]\w+", text))
    assert used - known - own == set()
    assert {"BulkUpsertPlanesRequest", "NextPageToken", "ConflictTarget", "Watermark"} <= used
