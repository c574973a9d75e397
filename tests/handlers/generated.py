"""Code that grpcio-tools generates of a schema, as an author of handlers does."""

import subprocess
import sys
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet


def generate(files: FileDescriptorSet, folder: Path) -> None:
    """Generate the code of a schema into a folder, and of what it imports of buf's."""
    described = folder / "set.binpb"
    described.write_bytes(files.SerializeToString())
    names = [one.name for one in files.file if not one.name.startswith(("google/", "rowgate/"))]
    out = (f"--python_out={folder}", f"--grpc_python_out={folder}", f"--descriptor_set_in={described}")
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *out, *names], check=True)
