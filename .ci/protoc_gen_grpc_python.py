"""A plugin for buf: gRPC's stubs for Python, which grpcio-tools makes in its own protoc alone; py.typed."""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import grpc_tools.protoc
from google.protobuf.compiler.plugin_pb2 import CodeGeneratorRequest, CodeGeneratorResponse
from google.protobuf.descriptor_pb2 import FileDescriptorSet


def stubs(request: CodeGeneratorRequest) -> Iterator[CodeGeneratorResponse.File]:
    """Give the stubs of the files that the request names; raises SystemExit where protoc refuses them."""
    with tempfile.TemporaryDirectory() as folder:
        described, out = Path(folder, "set.binpb"), Path(folder, "out")
        described.write_bytes(FileDescriptorSet(file=request.proto_file).SerializeToString())
        out.mkdir()
        flags = [f"--descriptor_set_in={described}", f"--grpc_python_out={out}"]
        if status := grpc_tools.protoc.main(["protoc", *flags, *request.file_to_generate]):
            raise SystemExit(status)
        for path in sorted(out.rglob("*.py")):
            yield CodeGeneratorResponse.File(name=path.relative_to(out).as_posix(), content=path.read_text())
    # The packages above these are namespaces, so each of these says by itself that it is typed (PEP 561).
    for package in sorted({Path(name).parent for name in request.file_to_generate}):
        yield CodeGeneratorResponse.File(name=(package / "py.typed").as_posix())


if __name__ == "__main__":
    asked = CodeGeneratorRequest.FromString(sys.stdin.buffer.read())
    answer = CodeGeneratorResponse(
        file=stubs(asked), supported_features=CodeGeneratorResponse.FEATURE_PROTO3_OPTIONAL
    )
    sys.stdout.buffer.write(answer.SerializeToString())
