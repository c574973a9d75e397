"""A draft of all protos: tables → messages and services, in packages and files."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from gateway.introspect.tables.ddl import DEFAULT_SCHEMA
from gateway.introspect.tables.table_records import Name
from gateway.proto_files.services import FILES, READS, ServedResource, names_taken
from gateway.proto_files.text import ProtoFile, ProtoMessage
from gateway.pull.catalog import Found
from gateway.pull.choices import Choices, Known
from gateway.pull.earlier.committed import HEAD, Committed, CommittedTable
from gateway.pull.enums import Enum, read_enums
from gateway.pull.names import free_name, message_name, package_part
from gateway.pull.references import with_references
from gateway.pull.report import Report
from gateway.pull.resources import OMITTED, Left, Resource, UnservedError, read_resource
from gateway.pull.service_draft import ServiceDraft, draft_service, new_service_files
from gateway.schema.model import MethodKind
from gateway.schema.privileges import WRITES
from gateway.schema.services.requirements import WITHOUT_KEY
from gateway.schema.services.row_limits import BY_FILTER

_ANNOTATIONS = "rowgate/v1/annotations.proto"
_BULK = (MethodKind.BULK_UPSERT, MethodKind.INGEST)


@dataclass(frozen=True, slots=True)
class Draft:
    """All protos.

    Args:
        files: the files.
        owners: the table of each message, by full name.
        report: what became of each relation.
        known: what of each table is offered, or was and is left out by hand.
        dropped_tables: the full names of the messages that were tables' and are no longer.
        dropped_enums: those of enums.
        services: the services of all tables.

    """

    files: Sequence[ProtoFile]
    owners: Mapping[str, Name]
    report: Report
    known: Mapping[str, Known]
    dropped_tables: Collection[str]
    dropped_enums: Collection[str]
    services: Sequence[ServiceDraft]


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
    services: list[ServiceDraft] = []
    for schema in sorted({table.schema for table in named}):
        own = [resource for resource in named.values() if resource.table.schema == schema]
        messages = [
            with_references(one, found.catalog, named, _stands(one.table, committed, choices)) for one in own
        ]
        file = _resources_file(packages[schema], messages, schema, enum_files)
        files.append(file)
        served = {one.table: _served(one, file, choices, enum_files) for one in own}
        services += [draft_service(table, one, committed, choices) for table, one in served.items()]
    unasked = sum(not choices.asks_for(one.name) for one in found.relations)
    return Draft(
        [*files, *new_service_files(services, committed, choices)],
        {one.message: one.table for one in services},
        _report(named, packages, left, unasked),
        dict(_known(services, named, left, choices)),
        {one.full_name for one in committed.tables.values()} - {one.message for one in services},
        {name for type_, name in committed.enum_names.items() if type_ not in found.catalog.enums},
        services,
    )


def _stands(table: Name, committed: Committed, choices: Choices) -> CommittedTable:
    """Return a table's message as it stands."""
    known = choices.known.get(str(table), Known())
    stands = committed.tables.get(table, CommittedTable())
    return replace(stands, known=known.columns, knows_unreadable=known.unreadable)


def _known(
    services: Iterable[ServiceDraft], named: Mapping[Name, Resource], left: Iterable[Left], choices: Choices
) -> Iterator[tuple[str, Known]]:
    """Yield what is offered of each table, and what was taken out."""
    for one in services:
        resource = named[one.table]
        columns = tuple(sorted((*resource.fields, *resource.omitted)))
        methods = tuple(kind.value for kind in one.served.kinds)
        yield str(one.table), Known(columns=columns, methods=methods, unreadable=resource.knows_unreadable)
    yield from ((one.name, choices.known[one.name]) for one in left if one.why == OMITTED)


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
            _require_asked(relation.name, committed, choices)
            old = _stands(relation.name, committed, choices)
            found[relation.name] = read_resource(
                relation, database, enums, old, choices.key_of(relation.name)
            )
        except UnservedError as error:
            kind = "refused by the rules of schemas" if relation.name in refused else ""
            left.append(Left(str(relation.name), str(error), kind))
    return found, left


def _require_free(table: Name, committed: Committed, refused: Mapping[Name, str]) -> None:
    if table in refused:
        raise UnservedError(refused[table])
    if table in committed.elsewhere:
        raise UnservedError(f"it is served as {committed.elsewhere[table]} already")


def _require_asked(table: Name, committed: Committed, choices: Choices) -> None:
    """Raise UnservedError for a table whose message was taken out; where all are gone, a pull begins anew."""
    if table not in committed.tables and str(table) in choices.known and committed.tables:
        raise UnservedError(OMITTED)


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
    imported = {**FILES, **enum_files}
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
        _kinds(resource, choices),
    )


def _kinds(resource: Resource, choices: Choices) -> Sequence[MethodKind]:
    if not resource.key:
        return [kind for kind in READS if kind in WITHOUT_KEY]
    return [*READS, *(kind for kind in WRITES if choices.methods == "all" and _may(resource, kind))]


def _may(resource: Resource, kind: MethodKind) -> bool:
    # No catalog tells which column marks a row as deleted.
    is_bulk = resource.has_sent_key and not resource.is_view
    never = (MethodKind.UNDELETE, *BY_FILTER, *(() if is_bulk else _BULK))
    return WRITES[kind] <= set(resource.writes) and kind not in never


def _report(
    resources: Mapping[Name, Resource], packages: Mapping[str, str], left: Sequence[Left], unasked: int
) -> Report:
    served = [
        (str(table), f"{packages[table.schema]}.{resource.message.name}")
        for table, resource in sorted(resources.items())
    ]
    columns = [one for resource in resources.values() for one in resource.left]
    notes = [one for resource in resources.values() for one in resource.notes]
    views = sum(resource.is_view for resource in resources.values())
    return Report(served, left, columns, notes, unasked, views)
