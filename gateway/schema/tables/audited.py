"""Tables whose changes are kept, as statements and the keepers of changes need them."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.schema.model import Audit, Resource


@dataclass(frozen=True, slots=True)
class AuditedTable:
    """A table whose changes are kept.

    Args:
        name: its schema and name.
        in_table: whether they are kept as rows, in the transaction of the change; else as lines of the log.
        key: the columns of its primary key, by the names of their fields.

    """

    name: str
    in_table: bool
    key: Mapping[str, str]


def audited_table(resource: Resource) -> AuditedTable | None:
    """Return what is needed to keep changes of a resource; None where nothing is kept."""
    if resource.audit is Audit.NOTHING:
        return None
    key = {field.name: field.column for field in resource.key_fields}
    return AuditedTable(f"{resource.schema}.{resource.table}", resource.audit is Audit.ROWS, key)
