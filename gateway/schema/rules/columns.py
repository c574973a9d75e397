"""Rules of one column: defaults, generated values, identity, NOT NULL; and of what has none."""

from collections.abc import Sequence

from gateway.schema.diagnostics import Diagnostics
from gateway.schema.model import ColumnAccess, Field, Resource, ServerSet
from gateway.schema.protos.options import column_options
from gateway.schema.rules.column_masks import mask_findings
from gateway.schema.rules.column_presets import preset_findings
from gateway.schema.rules.finding import Finding, Findings

_IDENTITY_TYPES = ("smallint", "integer", "bigint")


def column_findings(resource: Resource, diagnostics: Diagnostics) -> Findings:
    """Yield what is wrong with single columns."""
    for field in resource.fields:
        yield from _default(field, managed=resource.managed)
        yield from _made(field)
        yield from _presence(field, not_null=column_options(field.descriptor.full_name, diagnostics).not_null)
        yield from preset_findings(field, resource)
    yield from _access(resource)
    yield from _extensions(resource)


def _access(resource: Resource) -> Findings:
    """Yield the columns whose access can't be some callers' alone: statements need them for everybody."""
    for field in resource.fields:
        if field.access == ColumnAccess():
            continue
        where = field.descriptor.full_name
        if field.column in resource.primary_key:
            yield Finding(
                where, "has access, but is of the primary key", "leave access out: keys are everybody's"
            )
        elif field.server_set not in (ServerSet.NO, ServerSet.OUTPUT_ONLY, ServerSet.GENERATED):
            yield Finding(
                where, f"has access, but is the table's {field.server_set.value}", "leave access out"
            )
        elif field.access.mask is not None:
            yield from mask_findings(field, field.access.mask)
    for first, *others in resource.oneofs:
        yield from _oneof_access(first, others)


def _oneof_access(first: Field, others: Sequence[Field]) -> Findings:
    """Yield the members of a oneof with other access than its first: who sets one unsets all others."""
    for other in others:
        if (other.access.read, other.access.write) != (first.access.read, first.access.write):
            wrong = f"has other access than {first.name}, a member of the same oneof"
            yield Finding(
                other.descriptor.full_name, wrong, "let the same roles read and write all its members"
            )


def _extensions(resource: Resource) -> Findings:
    """Yield the extensions of a row: they are known, so nobody would tell that they have no column."""
    pool = resource.message.file.pool
    for extension in sorted(pool.FindAllExtensions(resource.message), key=lambda one: int(one.number)):
        wrong = f"is extended by {extension.full_name}, which no column would hold"
        yield Finding(resource.message.full_name, wrong, "declare a field of the message itself")


def _default(field: Field, *, managed: bool) -> Findings:
    where = field.descriptor.full_name
    used = field.has_presence or field.zero_is_default or not field.is_created
    if field.default and not used:
        right = "declare the field optional, or output_only"
        yield Finding(where, "has a default, but no presence: its zero value would always be written", right)
    unfilled = not (field.nullable or field.default or field.identity)
    if managed and field.server_set is ServerSet.OUTPUT_ONLY and unfilled:
        yield Finding(
            where, "is output_only and NOT NULL, and nothing fills it", "give it a default, or presence"
        )
    is_late = field.preset is not None and bool(field.preset.update) and not field.preset.create
    if managed and field.writable and is_late and unfilled:
        right = "set preset.create too, or give it a default, or presence"
        yield Finding(where, "is NOT NULL, and nothing fills it in new rows", right)


def _made(field: Field) -> Findings:
    where = field.descriptor.full_name
    ways = [
        name
        for name, value in (
            ("default", field.default),
            ("generated", field.generated),
            ("identity", field.identity),
        )
        if value
    ]
    if len(ways) > 1:
        yield Finding(where, f"has {' and '.join(ways)}", "keep one of them")
    if field.identity and field.type.sql not in _IDENTITY_TYPES:
        yield Finding(where, f"is an identity of type {field.type.sql}", "make it an int32 or int64 field")
    if field.identity and field.nullable:
        yield Finding(where, "is an identity that may be NULL", "leave out optional, or set not_null")


def _presence(field: Field, *, not_null: bool) -> Findings:
    descriptor = field.descriptor
    if descriptor.is_required:
        yield Finding(
            descriptor.full_name,
            "is required, so a row read in part could not be sent",
            "declare it optional",
        )
    oneof = descriptor.containing_oneof
    if not_null and oneof is not None and len(oneof.fields) > 1:
        wrong = f"is not_null, but a member of the oneof {oneof.name}, of which all but one are unset"
        yield Finding(descriptor.full_name, wrong, "leave not_null out")
