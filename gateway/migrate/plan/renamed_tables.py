"""Tables that may be those of messages with another name: direct changes leave them, and make new ones."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from gateway.introspect.tables.table_records import Catalog, Name
from gateway.migrate.plan.record import DIRECT
from gateway.migrate.plan.scope import Managed


def perhaps_renamed(wanted: Catalog, found: Catalog, managed: Managed) -> Iterator[str]:
    """Yield what to look at: a table that will be new, beside one with its columns that no message has."""
    left = _left(wanted, managed)
    for name, table in sorted(wanted.tables.items()):
        if name in found.tables:
            continue
        for former in sorted(former for former, columns in left.items() if columns == table.columns.keys()):
            yield (
                f"{former} has the columns of {name}, and no message any more: it stays as it is, with its "
                f'rows. Where its message was renamed, give it its table: {{name: "{former.name}"}}'
            )


def _left(wanted: Catalog, managed: Managed) -> Mapping[Name, set[str]]:
    """Return the columns of each table that direct changes made, and that the schema hasn't."""
    columns: defaultdict[Name, set[str]] = defaultdict(set)
    for made, origin in managed.record.items():
        if made.kind == "column" and origin.lineage == DIRECT and made.table not in wanted.tables:
            columns[made.table].add(made.name)
    return columns
