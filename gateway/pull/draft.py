"""A draft of all protos: tables → messages and services, in packages and files."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from gateway.introspect.ddl import DEFAULT_SCHEMA
from gateway.introspect.table_records import Name
from gateway.pull.catalog import Found
from gateway.pull.choices import Choices
from gateway.pull.columns import IMPORTS
from gateway.pull.committed import HEAD, Committed, CommittedMessage
from gateway.pull.enums import Enum, read_enums
from gateway.pull.names import free_name, message_name, package_part
from gateway.pull.proto_text import ProtoFile, ProtoMessage
from gateway.pull.report import Report
from gateway.pull.resources import Left, Resource, UnservedError, read_resource, with_references
from gateway.pull.services import READS, WRITES, ServedResource, names_taken, service_file
from gateway.schema.model import MethodKind
from gateway.schema.tables.naming import snake_case

_ANNOTATIONS = "rowgate/v1/annotations.proto"


@dataclass(frozen=True, slots=True)
class Draft:
    """All protos.

    Args:
        files: the files.
        owners: the table of each message, by full name, and of each service, by its file.
        report: what became of each relation.

    """

    files: Sequence[ProtoFile]
    owners: Mapping[str, Name]
    report: Report


def draft(found: Found, committed: Committed, choices: Choices, refused: Mapping[Name, str]) -> Draft:
    """Return the protos of what was found.

    Args:
        found: the database.
        committed: the protos as they stand.
        choices: what is asked for.
        refused: tables that a schema can't have, and why.

    """
    schemas = {one.name.schema for one in found.relations} | {name.schema for name in found.catalog.enums}
    packages = dict(_packages(sorted(schemas), choices.package or ""))
    tables = [relation.name for relation in found.relations]
    enums = read_enums(found.catalog.enums, packages, tables, committed)
    read, left = _read(found, enums, committed, choices, refused)
    named = dict(_named(read, packages, enums.values()))
    used = {one.type for resource in named.values() for one in resource.message.fields}
    enum_files = {enum.full_name: enum.file for enum in enums.values() if enum.full_name in used}
    files = list(_enum_files([enum for enum in enums.values() if enum.full_name in used]))
    owners: dict[str, Name] = {}
    for schema in sorted({table.schema for table in named}):
        own = [resource for resource in named.values() if resource.table.schema == schema]
        messages = [with_references(resource, found.catalog, named) for resource in own]
        resources_file = _resources_file(packages[schema], messages, schema, enum_files)
        files.append(resources_file)
        for resource in own:
            served = _served(resource, resources_file, choices, enum_files)
            path = f"{_folder(packages[schema])}/{snake_case(served.message)}_service.proto"
            files.append(service_file(served, path, HEAD, committed.messages))
            owners |= {path: resource.table, f"{served.package}.{served.message}": resource.table}
    return Draft(files, owners, _report(named, packages, left, len(found.relations) - len(named) - len(left)))


def _read(
    database: Found,
    enums: Mapping[str, Enum],
    committed: Committed,
    choices: Choices,
    refused: Mapping[Name, str],
) -> tuple[dict[Name, Resource], list[Left]]:
    """Return the tables that can be served, and the others with the reason."""
    found: dict[Name, Resource] = {}
    left = []
    for relation in database.relations:
        if not choices.asks_for(relation.name):
            continue
        try:
            _require_free(relation.name, committed, refused)
            old = committed.tables.get(relation.name, CommittedMessage())
            found[relation.name] = read_resource(
                relation, database.catalog, enums, old, choices.key_of(relation.name)
            )
        except UnservedError as error:
            left.append(Left(str(relation.name), str(error)))
    return found, left


def _require_free(table: Name, committed: Committed, refused: Mapping[Name, str]) -> None:
    if table in refused:
        raise UnservedError(refused[table])
    if table in committed.elsewhere:
        raise UnservedError(f"it is served as {committed.elsewhere[table]} already")


def _packages(schemas: Iterable[str], package: str) -> Iterator[tuple[str, str]]:
    """Yield the package of each schema."""
    taken: set[str] = set()
    for schema in schemas:
        part = free_name(package_part(schema, "schema"), taken.__contains__, "_")
        taken.add(part)
        yield schema, f"{package}.{part}.v1"


def _named(
    resources: Mapping[Name, Resource], packages: Mapping[str, str], enums: Iterable[Enum]
) -> Iterator[tuple[Name, Resource]]:
    """Yield the resources with names: those that have one keep it, and others make room in their package."""
    taken = {enum.full_name for enum in enums}
    for resource in sorted(resources.values(), key=lambda one: (not one.message.name, one.table)):
        package = packages[resource.table.schema]
        wanted = resource.message.name or message_name(resource.table.name)
        name = free_name(wanted, partial(_collides, taken, package))
        taken |= _full_names(package, name)
        yield resource.table, replace(resource, message=replace(resource.message, name=name))


def _collides(taken: set[str], package: str, message: str) -> bool:
    return not taken.isdisjoint(_full_names(package, message))


def _full_names(package: str, message: str) -> set[str]:
    return {f"{package}.{name}" for name in names_taken(message)}


def _enum_files(enums: Sequence[Enum]) -> Iterator[ProtoFile]:
    for package in sorted({enum.package for enum in enums}):
        own = [enum for enum in enums if enum.package == package]
        comment = f"The enum types of the schema `{own[0].type.schema}`."
        protos = sorted((enum.proto for enum in own), key=lambda proto: proto.name)
        yield ProtoFile(own[0].file, package, comment, HEAD, [_ANNOTATIONS], enums=protos)


def _resources_file(
    package: str, messages: Sequence[ProtoMessage], schema: str, enum_files: Mapping[str, str]
) -> ProtoFile:
    types = {one.type for message in messages for one in message.fields}
    imported = {**IMPORTS, **enum_files}
    return ProtoFile(
        f"{_folder(package)}/resources.proto",
        package,
        f"The tables of the schema `{schema}`.",
        HEAD,
        [_ANNOTATIONS, *(imported[name] for name in types if name in imported)],
        sorted(messages, key=lambda message: message.name),
    )


def _folder(package: str) -> str:
    return package.replace(".", "/")


def _served(
    resource: Resource, file: ProtoFile, choices: Choices, enum_files: Mapping[str, str]
) -> ServedResource:
    by_name = {one.name: one for one in resource.message.fields}
    key = [by_name[resource.fields[column]] for column in resource.key]
    part = file.package.split(".")[-2]
    return ServedResource(
        file.package,
        file.path,
        resource.message.name,
        [(one.name, one.type) for one in key],
        resource.is_key_computed,
        enum_files,
        "/v1" if resource.table.schema == DEFAULT_SCHEMA else f"/v1/{part}",
        [*READS, *(kind for kind in WRITES if choices.methods == "all" and _may(resource, kind))],
    )


def _may(resource: Resource, kind: MethodKind) -> bool:
    bulk = (MethodKind.BULK_UPSERT, MethodKind.INGEST)
    return WRITES[kind] <= set(resource.privileges) and not (resource.is_view and kind in bulk)


def _report(
    resources: Mapping[Name, Resource], packages: Mapping[str, str], left: Sequence[Left], unasked: int
) -> Report:
    served = [
        (str(table), f"{packages[table.schema]}.{resource.message.name}")
        for table, resource in sorted(resources.items())
    ]
    columns = [one for resource in resources.values() for one in resource.left]
    notes = [one for resource in resources.values() for one in resource.notes]
    return Report(served, left, columns, notes, unasked)
