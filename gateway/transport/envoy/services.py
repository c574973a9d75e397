"""The services of a schema, for the filters that have to know their names."""

from collections.abc import Iterator

from google.protobuf.descriptor_pb2 import FileDescriptorSet, ServiceDescriptorProto

from gateway.schema.foreign import is_foreign


def own_services(descriptors: FileDescriptorSet) -> Iterator[tuple[str, ServiceDescriptorProto]]:
    """Yield the schema's own services with their full names."""
    for file in descriptors.file:
        if not is_foreign(file.package):
            for service in file.service:
                yield f"{file.package}.{service.name}".lstrip("."), service
