"""The merge of a draft with the files that stand: what the database changed is edited, and the rest is left.

A file's text is its author's. A field is declared anew only where it no longer carries its column, a comment
only where it says what a pull made up, and whatever a draft has no word for stays.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from google.protobuf.descriptor_pb2 import FileDescriptorProto

from gateway.proto_files.edits import Edits
from gateway.proto_files.language_options import language_options, written_options
from gateway.proto_files.services import FILES, ServedResource, StandardService, names_taken
from gateway.proto_files.text import ProtoEnum, ProtoFile, ProtoMessage, ProtoMethod
from gateway.pull.draft import Draft
from gateway.pull.earlier.committed import Committed
from gateway.pull.merge.edited_file import EditedFile
from gateway.pull.merge.services import rekeyed
from gateway.pull.service_draft import ServiceDraft


def merged(drafted: Draft, committed: Committed) -> dict[str, str]:
    """Return the texts of a pull's files, by path.

    Args:
        drafted: what the database asks for.
        committed: what stands.

    """
    files = {path: EditedFile(file) for path, file in committed.files.items()}
    homes = {f"{file.proto.package}.{name}": file for file in files.values() for name in file.elements}
    new = [rest for file in drafted.files for rest in _merged_file(file, files, homes)]
    for service in drafted.services:
        if service.name in homes:
            _merge_service(service, homes)
    for name in drafted.dropped_enums:
        homes[name].remove({name.rpartition(".")[2]})
    for name in drafted.dropped_tables:
        _remove_table(name, files.values(), homes)
    types = {f"{file.package}.{enum.name}": file.path for file in drafted.files for enum in file.enums}
    declared = {name: file.name for file in committed.descriptors.file for name in _declared(file)}
    for one in files.values():
        one.import_what_is_used({**FILES, **declared, **types})
    texts = {path: str(one.edits) for path, one in files.items() if not one.is_empty}
    return texts | {file.path: str(_with_options(file, committed)) for file in new}


def _with_options(file: ProtoFile, committed: Committed) -> ProtoFile:
    """Return a new file with the options for other languages: those of its package, where that has files."""
    known = {**committed.others, **{path: one.text for path, one in committed.files.items()}}
    beside = [one for one in committed.descriptors.file if one.name in known and one.package == file.package]
    if not beside:
        return replace(file, options=language_options(file.package))
    return replace(file, options=written_options(Edits(known[beside[0].name], beside[0])))


def _declared(file: FileDescriptorProto) -> Iterator[str]:
    """Yield the full names of the types that a file declares, but for those inside of others."""
    yield from (f"{file.package}.{one.name}" for one in file.message_type)
    yield from (f"{file.package}.{one.name}" for one in file.enum_type)


def _merged_file(
    draft: ProtoFile, files: Mapping[str, EditedFile], homes: Mapping[str, EditedFile]
) -> Iterator[ProtoFile]:
    """Merge a file of the draft; yield what of it is a file that isn't there yet."""
    if draft.service is not None:
        yield draft
        return
    elements: list[ProtoMessage | ProtoEnum] = [*draft.enums, *draft.messages]
    new = [one for one in elements if f"{draft.package}.{one.name}" not in homes]
    for one in elements:
        if one not in new:
            homes[f"{draft.package}.{one.name}"].merge(one)
    if draft.path in files:
        for one in new:
            files[draft.path].add(one)
    elif new:
        yield replace(
            draft,
            messages=[one for one in draft.messages if one in new],
            enums=[one for one in draft.enums if one in new],
        )


def _merge_service(service: ServiceDraft, homes: Mapping[str, EditedFile]) -> None:
    """Let a service's messages follow its key, and take away the methods that are offered no more."""
    package = service.served.package
    if service.before is not None:
        before, after = map(_messages_of, (service.before, service.served))
        stand = {one.name: homes[name] for one in before if (name := f"{package}.{one.name}") in homes}
        protos = {name: file.proto.message_type[file.messages[name]] for name, file in stand.items()}
        for message in rekeyed(protos, before, after):
            stand[message.name].merge(message)
    home, standard = homes[service.name], StandardService(service.served)
    if service.before is not None:
        home.reroute(standard.name, _methods_of(service.before), _methods_of(service.served))
        home.add_messages([one for one in standard.key_messages() if f"{package}.{one.name}" not in homes])
    home.remove_methods(standard.name, {standard.method_name(kind) for kind in service.dropped})
    names = {one.name for one in home.proto.service[home.services[standard.name]].method}
    for kind in service.added:
        if standard.method_name(kind) not in names:
            home.add_method(standard.name, standard.method(kind))
            home.add_messages([*standard.key_messages(), *standard.messages(kind)])


def _methods_of(resource: ServedResource) -> Iterator[ProtoMethod]:
    standard = StandardService(resource)
    return (standard.method(kind) for kind in standard.kinds)


def _messages_of(resource: ServedResource) -> list[ProtoMessage]:
    standard = StandardService(resource)
    of_methods = (message for kind in standard.kinds for message in standard.messages(kind))
    return [*standard.key_messages(), *of_methods]


def _remove_table(message: str, files: Iterable[EditedFile], homes: Mapping[str, EditedFile]) -> None:
    """Take a table's message away, and its service: with its file, where that holds no other."""
    package, _, name = message.rpartition(".")
    homes[message].remove({name})
    for file in files:
        if file.proto.package == package and f"{name}Service" in file.services:
            is_alone = len(file.services) == 1
            file.remove(file.elements if is_alone else names_taken(name))
