"""The annotations as they stand on a message, field or method; empty ones where there are none."""

from typing import Any, cast

from google.api.annotations_pb2 import http
from google.api.http_pb2 import HttpRule
from google.protobuf.descriptor import FieldDescriptor
from rowgate.v1 import aggregate_pb2, annotations_pb2

from gateway.schema.diagnostics import Diagnostics

# The stubs give an extension no type of its own, so its look-up can't be checked.
TABLE: Any = annotations_pb2.table
COLUMN: Any = annotations_pb2.column
_AGGREGATE: Any = aggregate_pb2.aggregate
RELATION: Any = annotations_pb2.relation
_METHOD: Any = annotations_pb2.method
_SERVICE: Any = annotations_pb2.service
_HTTP: Any = http


def has_table(message: str, diagnostics: Diagnostics) -> bool:
    """Whether the message is a resource."""
    return diagnostics.elements[message].options.HasExtension(TABLE)


def table_options(message: str, diagnostics: Diagnostics) -> annotations_pb2.TableOptions:
    """Return the `(rowgate.v1.table)` of the message of that full name."""
    return cast("annotations_pb2.TableOptions", diagnostics.elements[message].options.Extensions[TABLE])


def has_column(field: str, diagnostics: Diagnostics) -> bool:
    """Whether the field carries column options."""
    return diagnostics.elements[field].options.HasExtension(COLUMN)


def column_options(field: str, diagnostics: Diagnostics) -> annotations_pb2.ColumnOptions:
    """Return the `(rowgate.v1.column)` of the field of that full name."""
    return cast("annotations_pb2.ColumnOptions", diagnostics.elements[field].options.Extensions[COLUMN])


def has_aggregate(field: str, diagnostics: Diagnostics) -> bool:
    """Whether the field carries options of what is computed."""
    return diagnostics.elements[field].options.HasExtension(_AGGREGATE)


def aggregate_options(field: str, diagnostics: Diagnostics) -> aggregate_pb2.AggregateOptions:
    """Return the `(rowgate.v1.aggregate)` of the field of that full name."""
    return cast("aggregate_pb2.AggregateOptions", diagnostics.elements[field].options.Extensions[_AGGREGATE])


def has_relation(field: str, diagnostics: Diagnostics) -> bool:
    """Whether the field carries relation options."""
    return diagnostics.elements[field].options.HasExtension(RELATION)


def is_relation(field: FieldDescriptor, diagnostics: Diagnostics) -> bool:
    """Whether a resource's field holds rows: its message is a resource, and it isn't said to be a column."""
    message = field.message_type
    if message is None or not has_table(message.full_name, diagnostics):
        return False
    return not has_column(field.full_name, diagnostics)


def relation_options(field: str, diagnostics: Diagnostics) -> annotations_pb2.RelationOptions:
    """Return the `(rowgate.v1.relation)` of the field of that full name."""
    return cast("annotations_pb2.RelationOptions", diagnostics.elements[field].options.Extensions[RELATION])


def method_options(method: str, diagnostics: Diagnostics) -> annotations_pb2.MethodOptions:
    """Return the `(rowgate.v1.method)` of the method of that full name."""
    return cast("annotations_pb2.MethodOptions", diagnostics.elements[method].options.Extensions[_METHOD])


def service_options(service: str, diagnostics: Diagnostics) -> annotations_pb2.ServiceOptions:
    """Return the `(rowgate.v1.service)` of the service of that full name."""
    return cast("annotations_pb2.ServiceOptions", diagnostics.elements[service].options.Extensions[_SERVICE])


def http_rule(method: str, diagnostics: Diagnostics) -> HttpRule | None:
    """Return the `(google.api.http)` of the method of that full name; None without one."""
    options = diagnostics.elements[method].options
    return options.Extensions[_HTTP] if options.HasExtension(_HTTP) else None
