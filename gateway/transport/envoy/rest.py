"""REST with JSON, where the protos carry `google.api.http` (AIP-127): Envoy's transcoder over the schema."""

import base64
from typing import Any

from google.api import annotations_pb2
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet, ServiceDescriptorProto
from google.rpc import error_details_pb2, status_pb2

from gateway.config.settings import EdgeSettings, LimitSettings
from gateway.transport.envoy.names import FILTERS, Config
from gateway.transport.envoy.services import own_services

# The types that an error's JSON is made of, behind what they import.
_ERRORS = (any_pb2.DESCRIPTOR, duration_pb2.DESCRIPTOR, status_pb2.DESCRIPTOR, error_details_pb2.DESCRIPTOR)
_MAX_UINT32 = 2**32 - 1
_HTTP: Any = annotations_pb2.http


def transcoder(descriptors: FileDescriptorSet, edge: EdgeSettings, limits: LimitSettings) -> Config | None:
    """Return the transcoder of the services with routes; None where no method has one."""
    # Parsed again, so that the option is known even where it was parsed before it was imported.
    files = FileDescriptorSet.FromString(descriptors.SerializeToString())
    services = [name for name, service in own_services(files) if _is_routed(service)]
    if not services:
        return None
    return {
        "@type": f"{FILTERS}.grpc_json_transcoder.v3.GrpcJsonTranscoder",
        "proto_descriptor_bin": base64.b64encode(_schema(files).SerializeToString()).decode(),
        "services": services,
        "convert_grpc_status": True,
        # Otherwise a request whose headers it has changed meets the routes again, as a plain call.
        "match_incoming_request_route": True,
        "query_param_unescape_plus": True,
        "print_options": {
            "always_print_primitive_fields": edge.json_defaults,
            "preserve_proto_field_names": edge.json_proto_names,
        },
        "request_validation_options": {
            "reject_unknown_method": True,
            "reject_unknown_query_parameters": True,
            "reject_binding_body_field_collisions": True,
        },
        "max_request_body_size": limits.max_request_bytes,
        # JSON is larger than its message, whose size the application bounds.
        "max_response_body_size": min(4 * limits.max_response_bytes, _MAX_UINT32),
    }


def _is_routed(service: ServiceDescriptorProto) -> bool:
    return any(method.options.HasExtension(_HTTP) for method in service.method)


def _schema(files: FileDescriptorSet) -> FileDescriptorSet:
    """Return the files without comments and places, and with the types of errors; imports come first."""
    known = {file.name: file for file in files.file}
    for descriptor in _ERRORS:
        known.setdefault(descriptor.name, FileDescriptorProto.FromString(descriptor.serialized_pb))
    ordered: dict[str, FileDescriptorProto] = {}
    for name in known:
        _add(name, known, ordered)
    for file in ordered.values():
        file.ClearField("source_code_info")
    return FileDescriptorSet(file=ordered.values())


def _add(name: str, known: dict[str, FileDescriptorProto], ordered: dict[str, FileDescriptorProto]) -> None:
    if name in ordered or name not in known:
        return
    for dependency in known[name].dependency:
        _add(dependency, known, ordered)
    ordered[name] = known[name]
