"""Rules of the fields that the server keeps: version, timestamps, soft delete, etag, unreadable values."""

from google.protobuf.descriptor import FieldDescriptor

from gateway.schema.diagnostics import Diagnostics, suggestion
from gateway.schema.model import Field, Resource
from gateway.schema.protos.options import column_options, has_column, table_options
from gateway.schema.rules.finding import Finding, Findings

_WHOLE = (FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_INT64)
_TIMESTAMPS = ("created_at", "updated_at", "soft_delete")
_ROLES = ("version", *_TIMESTAMPS, "etag", "unreadable")
_UNREADABLE = "rowgate.v1.UnreadableValue"


def row_role_findings(resource: Resource, diagnostics: Diagnostics) -> Findings:
    """Yield what is wrong with the fields that the server keeps."""
    where = resource.message.full_name
    yield from _version(resource)
    for role in _TIMESTAMPS:
        yield from _timestamp(resource, role)
    yield from _etag(resource, diagnostics)
    yield from _unreadable(resource, diagnostics)
    options = table_options(where, diagnostics)
    names = [name for role in _ROLES if (name := getattr(options, role))]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Finding(where, f'"{name}" plays several roles', "name a field of its own for each")
    for key in (resource.by_column[column] for column in resource.primary_key):
        if key.name in names:
            yield Finding(where, f'the key field "{key.name}" is kept by the server', "choose another field")


def _version(resource: Resource) -> Findings:
    field = resource.by_column.get(resource.version or "")
    if field is None:
        return
    descriptor = field.descriptor
    if descriptor.type not in _WHOLE or descriptor.is_repeated:
        yield Finding(
            descriptor.full_name, "is the version, but no whole number", "declare it int64 or int32"
        )
    yield from _untouched(field, "version")


def _timestamp(resource: Resource, role: str) -> Findings:
    field = resource.by_column.get(getattr(resource, role) or "")
    if field is None:
        return
    where, message = field.descriptor.full_name, field.descriptor.message_type
    is_time = message is not None and message.full_name == "google.protobuf.Timestamp"
    if not is_time or field.descriptor.is_repeated:
        yield Finding(where, f"is {role}, but no time", "declare it google.protobuf.Timestamp")
    if role == "soft_delete" and not field.nullable:
        yield Finding(
            where, "is soft_delete, but can't be NULL, which says that the row is there", "drop not_null"
        )
    yield from _untouched(field, role)


def _untouched(field: Field, role: str) -> Findings:
    if field.generated or field.identity:
        yield Finding(
            field.descriptor.full_name, f"is {role}, but filled by PostgreSQL", "drop generated or identity"
        )


def _etag(resource: Resource, diagnostics: Diagnostics) -> Findings:
    if resource.etag is None:
        return
    field = resource.message.fields_by_name.get(resource.etag)
    yield from _beside_columns(resource, "etag", resource.etag, diagnostics)
    if field is None:
        return
    if field.type != FieldDescriptor.TYPE_STRING or field.is_repeated:
        yield Finding(field.full_name, "is the etag, but no string", "declare it string")
    where = resource.message.full_name
    if not table_options(where, diagnostics).version:
        yield Finding(where, "has an etag without a version, of which it is made", 'say version: "…"')


def _unreadable(resource: Resource, diagnostics: Diagnostics) -> Findings:
    if resource.unreadable is None:
        return
    field = resource.message.fields_by_name.get(resource.unreadable)
    yield from _beside_columns(resource, "unreadable", resource.unreadable, diagnostics)
    if field is None:
        return
    message = field.message_type
    if message is None or message.full_name != _UNREADABLE or not field.is_repeated:
        wrong = "is unreadable, but no list of unreadable values"
        yield Finding(field.full_name, wrong, f"declare it repeated {_UNREADABLE}")


def _beside_columns(resource: Resource, role: str, name: str, diagnostics: Diagnostics) -> Findings:
    """Yield what is wrong with a field for being no column, or none at all."""
    field = resource.message.fields_by_name.get(name)
    if field is None:
        names = [one.name for one in resource.message.fields]
        yield Finding(resource.message.full_name, f'{role}: unknown field "{name}"', suggestion(name, names))
    elif has_column(field.full_name, diagnostics) and column_options(field.full_name, diagnostics).ByteSize():
        article = "the " if role == "etag" else ""
        yield Finding(field.full_name, f"is {article}{role}, which is not stored", "drop its column options")
