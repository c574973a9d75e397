"""Code that grpcio-tools generates of a schema, as an author of handlers does."""

import subprocess
import sys
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet


def generate(files: FileDescriptorSet, folder: Path) -> None:
    """Generate the code of a schema into a folder, and of what it imports of buf's."""
    described = folder / "set.binpb"
    described.write_bytes(files.SerializeToString())
    out = (f"--python_out={folder}", f"--grpc_python_out={folder}", f"--descriptor_set_in={described}")
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *out, *own_files(files)], check=True)


def own_files(files: FileDescriptorSet) -> list[str]:
    """Return the names of the files that no package brings."""
    return [one.name for one in files.file if not one.name.startswith(("google/", "rowgate/"))]


def within(files: FileDescriptorSet, folder: str) -> FileDescriptorSet:
    """Return a schema whose own files are in a folder, as protobuf has room for one file of each name."""
    own, moved = set(own_files(files)), FileDescriptorSet()
    moved.CopyFrom(files)
    for file in moved.file:
        if file.name in own:
            file.name = f"{folder}/{file.name}"
        file.dependency[:] = [f"{folder}/{name}" if name in own else name for name in file.dependency]
    return moved
