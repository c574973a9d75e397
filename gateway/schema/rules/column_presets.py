"""Rules of presets: they say something of one value, and nothing else has a say in the column.

Whether it is a value of the caller's is checked where callers are known (gateway.policy.presets).
"""

from gateway.schema.model import ColumnAccess, Field, Resource
from gateway.schema.rules.finding import Finding, Findings


def preset_findings(field: Field, resource: Resource) -> Findings:
    """Yield what is wrong with the preset of a field."""
    preset, where = field.preset, field.descriptor.full_name
    if preset is None:
        return
    if not (preset.create or preset.update):
        yield Finding(where, "has an empty preset", 'set create: "principal.id", update, or both')
    if preset.create and preset.update and preset.create != preset.update:
        wrong = "is preset to one value in new rows, to another in those that change"
        yield Finding(where, wrong, "make two columns of it")
    other = _other(field, resource)
    if other:
        yield Finding(where, f"has a preset, but {other}", "leave the preset out")


def _other(field: Field, resource: Resource) -> str:
    """Return what else has a say in the column; nothing where nothing has."""
    if field.column in resource.primary_key:
        return "is of the primary key, which requests name"
    if not field.writable:
        return f"is {field.server_set.value}"
    if field.identity:
        return "is an identity"
    if any(field in members for members in resource.oneofs):
        return "is a member of a oneof"
    if field.access != ColumnAccess():
        return "has access: nobody else writes it, and all may read it"
    return ""
