"""Connect (connectrpc.com): calls over plain HTTP, by Envoy's bridge to gRPC.

A unary call is a POST of a message to `/package.Service/Method`. Envoy knows it by a header, which scripts
leave out: so it is set for them, on the paths of the served services.
"""

import re

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_health.v1 import health_pb2

from gateway.transport.envoy.names import FILTERS, Config
from gateway.transport.envoy.services import own_services

_HEALTH: str = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name


def bridge() -> Config:
    """Return what makes gRPC of Connect; messages in JSON stay in JSON."""
    return {"@type": f"{FILTERS}.connect_grpc_bridge.v3.FilterConfig"}


def version_header() -> Config:
    """Return what sets the header that the bridge looks for."""
    header = {"key": "connect-protocol-version", "value": "1"}
    append = {"append": {"header": header, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}}
    return {
        "@type": f"{FILTERS}.header_mutation.v3.HeaderMutation",
        "mutations": {"request_mutations": [append]},
    }


def method_paths(descriptors: FileDescriptorSet) -> str:
    """Return a regular expression of the paths of the served services."""
    names = [*(name for name, _ in own_services(descriptors)), _HEALTH]
    services = "|".join(map(re.escape, names))
    return rf"/({services})/\w+"
