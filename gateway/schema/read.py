"""Descriptor set → Schema: resources from annotated messages, methods from services."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from google.protobuf.descriptor import Descriptor, FileDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool

from gateway.schema.diagnostics import Diagnostic, Diagnostics, SchemaError
from gateway.schema.model import Resource, Schema
from gateway.schema.protos.elements import read_elements
from gateway.schema.protos.foreign_packages import is_foreign
from gateway.schema.protos.options import has_table
from gateway.schema.resources.distribution import settle_distributions
from gateway.schema.resources.references import settle_references
from gateway.schema.resources.relations import with_relations
from gateway.schema.resources.resource import read_resource
from gateway.schema.rules import check_resources, check_services
from gateway.schema.services.aggregations import refuse_idle_options
from gateway.schema.services.methods import read_services


@dataclass(frozen=True, slots=True)
class Declared:
    """Resources, and the services as they are declared: no method is bound to a resource.

    Args:
        resources: by the full names of their messages.
        files: those of the schema's author.
        diagnostics: what is wrong with the resources, and where each element stands.

    """

    resources: Mapping[str, Resource]
    files: Sequence[FileDescriptor]
    diagnostics: Diagnostics

    @property
    def services(self) -> list[ServiceDescriptor]:
        """The services of the files."""
        return [service for file in self.files for service in file.services_by_name.values()]


def read_schema(descriptor_set: FileDescriptorSet) -> Schema:
    """Return the schema of a descriptor set.

    Raises SchemaError with every diagnostic of every message, field and method.
    """
    declared = read_declared(descriptor_set)
    resources, services, diagnostics = declared.resources, declared.services, declared.diagnostics
    check_services(services, diagnostics)
    wrong = [name for name in resources if diagnostics.has(name)]
    bound = read_services(services, resources, diagnostics, wrong)
    refuse_idle_options(bound, diagnostics)
    return diagnostics.settle(Schema(resources, bound))


def read_declared(descriptor_set: FileDescriptorSet) -> Declared:
    """Return what a descriptor set declares; raises SchemaError for files that protobuf can't read."""
    # Parsed again, so that the annotations are known even where it was parsed before they were imported.
    files = FileDescriptorSet.FromString(descriptor_set.SerializeToString())
    diagnostics = Diagnostics(read_elements(files))
    own = [file for file in build_files(files) if not is_foreign(file.package)]
    messages = [one for file in own for one in _messages(list(file.message_types_by_name.values()))]
    read = settle_distributions(settle_references(_read_resources(messages, diagnostics)))
    resources = with_relations(read, diagnostics)
    check_resources(resources, messages, diagnostics)
    return Declared(resources, own, diagnostics)


def build_files(files: FileDescriptorSet) -> list[FileDescriptor]:
    """Return the set's files, built in a descriptor pool of their own, in the set's order.

    Raises SchemaError for the first file that can't be.
    """
    pool = DescriptorPool()
    waiting = {file.name: file for file in files.file}
    for name in list(waiting):
        _add(name, waiting, pool)
    return [pool.FindFileByName(file.name) for file in files.file]


def _add(name: str, waiting: dict[str, FileDescriptorProto], pool: DescriptorPool) -> None:
    file = waiting.pop(name, None)
    if file is None:
        return
    for dependency in file.dependency:
        _add(dependency, waiting, pool)
    try:
        pool.AddSerializedFile(file.SerializeToString())
    except TypeError as error:
        # What protoc lets pass with a warning, and protobuf's Python doesn't: fields of one name in JSON.
        wrong = f"protobuf can't read it: {str(error).rpartition('descriptor pool: ')[2]}"
        raise SchemaError([Diagnostic(name, 0, "", wrong)]) from error


def _read_resources(messages: list[Descriptor], diagnostics: Diagnostics) -> dict[str, Resource]:
    annotated = [message for message in messages if has_table(message.full_name, diagnostics)]
    if not annotated:
        diagnostics.add("", "no message is a table", "annotate one with option (rowgate.v1.table)")
    return {message.full_name: read_resource(message, diagnostics) for message in annotated}


def _messages(messages: list[Descriptor]) -> list[Descriptor]:
    nested = [_messages(list(message.nested_types)) for message in messages]
    return [*messages, *(inner for group in nested for inner in group)]
