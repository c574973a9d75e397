"""The sources of a schema: a folder of .proto files, compiled at start, or a descriptor set."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import google.rpc
import grpc_tools
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.message import DecodeError
from rowgate.v1 import annotations_pb2

from gateway.schema.diagnostics import Diagnostic, SchemaError
from gateway.schema.protos.protoc_errors import first_causes, protoc_diagnostics
from gateway.schema.protos.query_places import add_query_places
from gateway.schema.protos.validation_options import RULES_FILE, rules_file

_COMPILE_SECONDS = 60
_AS_UTF8 = "save the file as UTF-8"


def compile_protos(directory: Path) -> FileDescriptorSet:
    """Compile every .proto file beneath a folder, with its imports, comments and places.

    Imports are found in the folder itself, and beside it: `rowgate/v1/*`, `google/protobuf/*`,
    `google/type/*`, `google/rpc/*`, `google/api/*` and `buf/validate/validate.proto`. Raises SchemaError with
    protoc's own errors, each with file and line.
    """
    if not directory.is_dir():
        raise SchemaError(
            [Diagnostic(str(directory), 0, "", "is not a folder", "name a folder that holds .proto files")]
        )
    files = sorted(path.relative_to(directory).as_posix() for path in proto_files(directory))
    if not files:
        raise SchemaError(
            [Diagnostic(str(directory), 0, "", "holds no .proto file", "add one, or name another folder")]
        )
    _require_utf8(directory, files)
    return add_query_places(_compile([directory.resolve(), *import_folders()], files), directory)


def compile_texts(files: Mapping[str, str]) -> FileDescriptorSet:
    """Compile files that stand nowhere yet, as compile_protos does.

    Args:
        files: their texts, by path.

    """
    with tempfile.TemporaryDirectory(prefix="rowgate-") as scratch:
        for path, text in files.items():
            file = Path(scratch) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode())
        return compile_protos(Path(scratch))


def proto_files(folder: Path) -> list[Path]:
    """Return a folder's protos. Hidden folders hold environments and caches, whose are nobody's schema.

    Links to folders are followed: by such Kubernetes mounts a ConfigMap, from a hidden folder.
    """
    found: list[Path] = []
    for place, folders, names in os.walk(folder, followlinks=True):
        shown = [name for name in folders if not name.startswith(".")]
        folders[:] = [name for name in shown if not _leads_up(Path(place, name))]
        found += [Path(place, name) for name in names if name.endswith(".proto") and not name.startswith(".")]
    return sorted(found)


def _leads_up(folder: Path) -> bool:
    """Whether a folder is a link to one that it lies in, which would have no end."""
    return folder.is_symlink() and folder.parent.resolve().is_relative_to(folder.resolve())


def load_descriptor_set(file: Path) -> FileDescriptorSet:
    """Read a descriptor set, made with `--include_imports --include_source_info` (places and comments).

    Raises SchemaError where the file can't be read, is no descriptor set, or has a comment that isn't UTF-8.
    """
    try:
        return _with_readable_comments(FileDescriptorSet.FromString(file.read_bytes()))
    except (OSError, DecodeError) as error:
        right = (
            "make it with protoc --descriptor_set_out --include_imports --include_source_info, or buf build"
        )
        raise SchemaError(
            [Diagnostic(str(file), 0, "", f"is no readable descriptor set ({error})", right)]
        ) from error


def import_folders() -> tuple[Path, ...]:
    """Return the folders that hold what schemas import: Rowgate's annotations and Google's common protos."""
    stubs = Path(annotations_pb2.__file__).resolve().parents[2]
    candidates = (stubs, stubs.parent / "protos")
    ours = [folder for folder in candidates if (folder / "rowgate/v1/annotations.proto").is_file()]
    common = Path(next(iter(google.rpc.__path__))).parents[1]
    return (*ours[:1], common, Path(next(iter(grpc_tools.__path__))) / "_proto")


def _require_utf8(directory: Path, files: Sequence[str]) -> None:
    """Raise SchemaError for files that aren't UTF-8: protoc passes bytes of comments on as they are."""
    diagnostics = [
        diagnostic
        for file in files
        for diagnostic in _utf8_diagnostics(file, (directory / file).read_bytes())
    ]
    if diagnostics:
        raise SchemaError(diagnostics)


def _utf8_diagnostics(file: str, content: bytes) -> Iterator[Diagnostic]:
    try:
        content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        yield Diagnostic(file, line, "", f"is not UTF-8 (byte 0x{content[error.start]:02x})", _AS_UTF8)


def _with_readable_comments(files: FileDescriptorSet) -> FileDescriptorSet:
    """Return the set; raises SchemaError for comments that aren't UTF-8: protobuf hands out their bytes."""
    diagnostics = [
        Diagnostic(file.name, place.span[0] + 1, "", "has a comment that is not UTF-8", _AS_UTF8)
        for file in files.file
        for place in file.source_code_info.location
        if any(not isinstance(text, str) for text in (place.leading_comments, place.trailing_comments))
    ]
    if diagnostics:
        raise SchemaError(diagnostics)
    return files


def _compile(folders: Sequence[Path], files: Sequence[str]) -> FileDescriptorSet:
    with tempfile.TemporaryDirectory(prefix="rowgate-") as scratch:
        out = Path(scratch) / "set.binpb"
        flags = [f"--descriptor_set_out={out}", *_rules_flags(folders[0], files, Path(scratch))]
        errors = _protoc(folders, files, flags)
        if not errors:
            return _with_readable_comments(FileDescriptorSet.FromString(out.read_bytes()))
        # protoc stops at the first wrong file: alone, each tells its own errors.
        each = [errors, *(_protoc(folders, [file], flags) for file in files)]
        found = [diagnostic for text in each for diagnostic in protoc_diagnostics(text, folders)]
        raise SchemaError(first_causes(found, folders[0]))


def _rules_flags(folder: Path, files: Sequence[str], scratch: Path) -> list[str]:
    """Return what gives protoc the file of `buf.validate`, where files import it and it isn't among them."""
    imported = re.compile(rb'import\s+"%b"' % RULES_FILE.encode())
    if RULES_FILE in files or not any(imported.search((folder / file).read_bytes()) for file in files):
        return []
    out = scratch / "rules.binpb"
    out.write_bytes(rules_file().SerializeToString())
    return [f"--descriptor_set_in={out}"]


def _protoc(folders: Sequence[Path], files: Sequence[str], more: Sequence[str]) -> str:
    """Run protoc; return its errors, or nothing where it wrote the descriptor set."""
    paths = [f"--proto_path={folder}" for folder in dict.fromkeys(folders)]
    flags = ["--include_imports", "--include_source_info", *more]
    # protoc runs outside: it is C++, and writes its errors straight to file descriptor 2.
    done = subprocess.run(  # noqa: S603 - our own interpreter, and a list of arguments
        [sys.executable, "-m", "grpc_tools.protoc", *paths, *flags, *files],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        timeout=_COMPILE_SECONDS,
    )
    return (done.stderr or "protoc failed") if done.returncode else ""
