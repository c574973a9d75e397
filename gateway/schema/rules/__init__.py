"""Rules of a schema beyond its types: each yields what breaks it, and all are asked."""

from collections.abc import Mapping, Sequence
from itertools import chain

from google.protobuf.descriptor import Descriptor, ServiceDescriptor

from gateway.schema.diagnostics import Diagnostics
from gateway.schema.model import Resource
from gateway.schema.rules.allows import allow_findings
from gateway.schema.rules.columns import column_findings
from gateway.schema.rules.distribution import distribution_findings
from gateway.schema.rules.keys import key_findings
from gateway.schema.rules.misplaced_options import misplaced_option_findings
from gateway.schema.rules.names import (
    hiding_findings,
    name_findings,
    shared_enum_findings,
    shared_name_findings,
)
from gateway.schema.rules.partitions import partition_findings
from gateway.schema.rules.references import reference_findings
from gateway.schema.rules.routes import route_findings
from gateway.schema.rules.row_roles import row_role_findings
from gateway.schema.rules.validation import validation_findings


def check_resources(
    resources: Mapping[str, Resource], messages: Sequence[Descriptor], diagnostics: Diagnostics
) -> None:
    """Note every diagnostic of the resources, and of options on messages that are none."""
    for resource in resources.values():
        for findings in (column_findings, key_findings, row_role_findings, name_findings):
            for finding in findings(resource, diagnostics):
                diagnostics.add(*finding)
        for finding in reference_findings(resource, resources):
            diagnostics.add(*finding)
    schema_wide = (
        shared_name_findings(resources),
        shared_enum_findings(resources, diagnostics),
        misplaced_option_findings(messages, diagnostics),
        hiding_findings(messages),
        validation_findings(messages),
        partition_findings(resources),
        distribution_findings(resources),
    )
    for finding in chain.from_iterable(schema_wide):
        diagnostics.add(*finding)


def check_services(services: Sequence[ServiceDescriptor], diagnostics: Diagnostics) -> None:
    """Note every diagnostic of the routes that methods have beside gRPC's own, and of who may call them."""
    for finding in (*route_findings(services, diagnostics), *allow_findings(services, diagnostics)):
        diagnostics.add(*finding)
