"""A message's fields → Fields: column, type, nullability, default, who sets it."""

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from rowgate.v1 import annotations_pb2

from gateway.schema.diagnostics import Diagnostics
from gateway.schema.model import ColumnAccess, ColumnMask, ColumnPreset, Field, ServerSet, Shown
from gateway.schema.protos.options import column_options, is_relation
from gateway.schema.types import InvalidTypeError, value_type
from gateway.schema.types.enums import stores_zero
from gateway.schema.values import ValueKind, ValueType


def read_fields(
    message: Descriptor, options: annotations_pb2.TableOptions, diagnostics: Diagnostics
) -> tuple[Field, ...]:
    """Return the stored fields of a resource, in the message's order; wrong ones are left out and noted."""
    others = not_stored(options)
    fields = (
        _read_field(field, options, diagnostics)
        for field in message.fields
        if field.name not in others and not is_relation(field, diagnostics)
    )
    return tuple(field for field in fields if field is not None)


def not_stored(options: annotations_pb2.TableOptions) -> frozenset[str]:
    """Return the fields that are no columns: the etag, and what names the values that aren't told."""
    return frozenset(filter(None, (options.etag, options.unreadable)))


def _read_field(
    field: FieldDescriptor, table: annotations_pb2.TableOptions, diagnostics: Diagnostics
) -> Field | None:
    options = column_options(field.full_name, diagnostics)
    try:
        stored = value_type(field, options, table.schema or "public")
    except InvalidTypeError as error:
        diagnostics.add(field.full_name, error.wrong, error.right)
        return None
    server_set = _server_set(field.name, table, options)
    return Field(
        name=field.name,
        column=options.name or field.name,
        descriptor=field,
        type=stored,
        nullable=_nullable(field, table, options),
        has_presence=field.has_presence,
        default=options.default or None,
        generated=options.generated or None,
        identity=options.identity,
        server_set=server_set,
        zero_is_default=_zero_is_default(field, options, stored),
        comment=diagnostics.elements[field.full_name].comment,
        line=diagnostics.elements[field.full_name].line,
        access=_access(options.access),
        preset=_preset(options) if options.HasField("preset") else None,
    )


def _preset(options: annotations_pb2.ColumnOptions) -> ColumnPreset:
    return ColumnPreset(options.preset.create.strip(), options.preset.update.strip())


def _access(access: annotations_pb2.ColumnAccess) -> ColumnAccess:
    mask = _mask(access.mask) if access.HasField("mask") else None
    return ColumnAccess(frozenset(access.read), frozenset(access.write), mask)


def _mask(mask: annotations_pb2.ColumnMask) -> ColumnMask:
    kind = mask.WhichOneof("kind")
    shows = None if kind is None or (kind == "year" and not mask.year) else Shown(kind)
    return ColumnMask(shows, mask.text, mask.keep_first or mask.keep_last)


def _nullable(
    field: FieldDescriptor, table: annotations_pb2.TableOptions, options: annotations_pb2.ColumnOptions
) -> bool:
    if not field.has_presence or options.not_null or field.is_required:
        return False
    # A message field can't do without presence: in the primary key it is NOT NULL unsaid.
    return field.message_type is None or field.name not in table.primary_key


def _server_set(
    name: str, table: annotations_pb2.TableOptions, options: annotations_pb2.ColumnOptions
) -> ServerSet:
    roles = {
        table.version: ServerSet.VERSION,
        table.created_at: ServerSet.CREATED_AT,
        table.updated_at: ServerSet.UPDATED_AT,
        table.soft_delete: ServerSet.DELETED_AT,
    }
    if name in roles:
        return roles[name]
    if options.generated:
        return ServerSet.GENERATED
    return ServerSet.OUTPUT_ONLY if options.output_only else ServerSet.NO


def _zero_is_default(
    field: FieldDescriptor, options: annotations_pb2.ColumnOptions, stored: ValueType
) -> bool:
    made = options.identity or (bool(options.default) and lacks_zero(field, stored.kind))
    return made and not field.has_presence


def lacks_zero(field: FieldDescriptor, kind: ValueKind) -> bool:
    """Return whether the field's zero is none that its column could hold: an empty UUID, an unlabelled 0."""
    enum = field.enum_type if kind is ValueKind.ENUM else None
    return kind is ValueKind.UUID or (enum is not None and not stores_zero(enum))
