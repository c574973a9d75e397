"""Who may call a method, as its options or else its service's say."""

from google.protobuf.descriptor import MethodDescriptor

from gateway.schema.diagnostics import Diagnostics
from gateway.schema.model import Allow
from gateway.schema.protos.options import method_options, service_options


def read_allow(method: MethodDescriptor, diagnostics: Diagnostics) -> Allow | None:
    """Return the method's `allow`, else its service's; None where neither has one."""
    service = method.containing_service.full_name
    declared = (
        (method.full_name, method_options(method.full_name, diagnostics)),
        (service, service_options(service, diagnostics)),
    )
    for where, options in declared:
        if options.HasField("allow"):
            place = diagnostics.elements[where]
            allow = options.allow
            return Allow(tuple(allow.roles), allow.condition, place.file, place.line, where)
    return None
