"""Where a schema comes from: a folder of .proto files, compiled at start, or a descriptor set."""

import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import google.rpc
import grpc_tools
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.message import DecodeError
from rowgate.v1 import annotations_pb2

from gateway.schema.faults import Fault, SchemaError

_COMPILE_SECONDS = 60
_PROTOC_LINE = re.compile(r"^(?P<file>.+?\.proto):(?:(?P<line>\d+):\d+:)? (?P<text>.*)$")


def compile_protos(directory: Path) -> FileDescriptorSet:
    """Compile every .proto file beneath a folder, with its imports, comments and places.

    Imports are found in the folder itself, and beside it: `rowgate/v1/*`, `google/protobuf/*`,
    `google/type/*`, `google/rpc/*` and `google/api/*`. Raises SchemaError with protoc's own errors, each with
    file and line.
    """
    if not directory.is_dir():
        raise SchemaError(
            [Fault(str(directory), 0, "", "is not a folder", "name a folder that holds .proto files")]
        )
    files = sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*.proto"))
    if not files:
        raise SchemaError(
            [Fault(str(directory), 0, "", "holds no .proto file", "add one, or name another folder")]
        )
    return _compile([directory.resolve(), *import_folders()], files)


def load_descriptor_set(file: Path) -> FileDescriptorSet:
    """Read a descriptor set, made with `--include_imports --include_source_info` (places and comments).

    Raises SchemaError where the file can't be read or is not a descriptor set.
    """
    try:
        return FileDescriptorSet.FromString(file.read_bytes())
    except (OSError, DecodeError) as error:
        right = (
            "make it with protoc --descriptor_set_out --include_imports --include_source_info, or buf build"
        )
        raise SchemaError(
            [Fault(str(file), 0, "", f"is no readable descriptor set ({error})", right)]
        ) from error


def import_folders() -> tuple[Path, ...]:
    """Return the folders that hold what schemas import: Rowgate's annotations and Google's common protos."""
    stubs = Path(annotations_pb2.__file__).resolve().parents[2]
    candidates = (stubs, stubs.parent / "protos")
    ours = [folder for folder in candidates if (folder / "rowgate/v1/annotations.proto").is_file()]
    common = Path(next(iter(google.rpc.__path__))).parents[1]
    return (*ours[:1], common, Path(next(iter(grpc_tools.__path__))) / "_proto")


def _compile(folders: Sequence[Path], files: Sequence[str]) -> FileDescriptorSet:
    with tempfile.TemporaryDirectory(prefix="rowgate-") as scratch:
        out = Path(scratch) / "set.binpb"
        paths = [f"--proto_path={folder}" for folder in dict.fromkeys(folders)]
        flags = ["--include_imports", "--include_source_info", f"--descriptor_set_out={out}"]
        # protoc runs outside: it is C++, and writes its errors straight to file descriptor 2.
        done = subprocess.run(  # noqa: S603 - our own interpreter, and a list of arguments
            [sys.executable, "-m", "grpc_tools.protoc", *paths, *flags, *files],
            capture_output=True,
            text=True,
            check=False,
            timeout=_COMPILE_SECONDS,
        )
        if done.returncode:
            raise SchemaError(_protoc_faults(done.stderr) or [Fault("protoc", 0, "", done.stderr.strip())])
        return FileDescriptorSet.FromString(out.read_bytes())


def _protoc_faults(text: str) -> list[Fault]:
    matches = filter(None, map(_PROTOC_LINE.match, text.splitlines()))
    return [
        Fault(match["file"], int(match["line"] or 0), "", match["text"])
        for match in matches
        if not match["text"].startswith("warning:")
    ]
