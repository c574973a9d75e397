"""A scaffold: tables' messages are read, and what their services lack is added and tried."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from google.protobuf.descriptor_pb2 import DescriptorProto

from gateway.proto_files.changes import Change
from gateway.proto_files.options import type_of
from gateway.proto_files.services import ServedResource
from gateway.scaffold.files import File, Files
from gateway.scaffold.missing import read_missing, read_written
from gateway.schema.diagnostics import Diagnostic, SchemaError
from gateway.schema.model import MethodKind, Resource
from gateway.schema.protos.sources import compile_protos, compile_texts
from gateway.schema.read import Declared, read_declared, read_schema
from gateway.schema.services.requirements import set_by_server
from gateway.schema.tables.naming import snake_case

_VERSION = re.compile(r"(?:^|\.)(v\d\w*)$")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is asked for.

    Args:
        kinds: the kinds of methods.
        routes: whether new methods have routes of REST; by default as the others of their service.

    """

    kinds: Collection[MethodKind]
    routes: bool | None = None


def scaffolded(folder: Path, chosen: Collection[str], wishes: Wishes) -> Sequence[Change]:
    """Return how files change, for their tables to have what is asked for; nothing is written.

    Args:
        folder: the protos.
        chosen: the files of the tables, or folders of them, by their paths in the folder.
        wishes: what the services are to have.

    Raises SchemaError for protos that are wrong, before or after.

    """
    compiled = compile_protos(folder)
    declared = read_declared(compiled)
    if declared.diagnostics.found:
        raise SchemaError(declared.diagnostics.found)
    own = [file for file in compiled.file if (folder / file.name).is_file()]
    texts = {file.name: (folder / file.name).read_bytes().decode() for file in own}
    files = Files(
        {file.name: File(texts[file.name], file) for file in own},
        {name: element.file for name, element in declared.diagnostics.elements.items()},
    )
    for resource in _chosen(declared, chosen):
        _complete(files, resource, declared, wishes)
    after = files.texts()
    if after != texts:
        read_schema(compile_texts(after))  # as `rowgate serve` does, so that what is written is served
    return [
        Change(path, texts.get(path, ""), text)
        for path, text in sorted(after.items())
        if text != texts.get(path)
    ]


def _chosen(declared: Declared, chosen: Collection[str]) -> list[Resource]:
    """Return the tables of the chosen files; raises SchemaError for a file or a table that can't be one."""
    paths = list(map(PurePosixPath, chosen))
    found = [
        one
        for one in declared.resources.values()
        if any(PurePosixPath(one.message.file.name).is_relative_to(path) for path in paths)
    ]
    files = [PurePosixPath(one.message.file.name) for one in found]
    wrong = [
        Diagnostic(str(path), 0, "", "no message is a table", "annotate one with option (rowgate.v1.table)")
        for path in paths
        if not any(file.is_relative_to(path) for file in files)
    ]
    wrong += [
        Diagnostic(one.message.file.name, one.line, one.message.full_name, "is inside of another message")
        for one in found
        if one.message.containing_type is not None
    ]
    if wrong:
        raise SchemaError(wrong)
    return found


def _complete(files: Files, resource: Resource, declared: Declared, wishes: Wishes) -> None:
    written = read_written(resource, declared)
    has_routes = written.has_routes if wishes.routes is None else wishes.routes
    missing = read_missing(resource, _served(resource, wishes.kinds, has_routes=has_routes), written)
    file = PurePosixPath(resource.message.file.name)
    beside = file.with_name(f"{snake_case(resource.name)}_service.proto").as_posix()
    path = beside if written.service is None else written.service.file.name
    files.add(missing, path, file.as_posix())


def _served(resource: Resource, kinds: Collection[MethodKind], *, has_routes: bool) -> ServedResource:
    package = resource.message.file.package
    version = _VERSION.search(package)
    return ServedResource(
        package,
        resource.message.file.name,
        resource.name,
        list(_key(resource)),
        set_by_server(resource, resource.primary_key) is not None,
        {},
        (f"/{version[1] if version else 'v1'}") if has_routes else "",
        kinds,
        is_soft_deleted=resource.soft_delete is not None,
        has_etag=resource.etag is not None,
    )


def _key(resource: Resource) -> Iterable[tuple[str, str]]:
    message = DescriptorProto()
    resource.message.CopyToProto(message)
    types = {one.name: type_of(one) for one in message.field}
    return ((one.name, types[one.name]) for one in resource.key_fields)
