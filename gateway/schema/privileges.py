"""What methods do to a table, in the words of PostgreSQL's statements and privileges."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from gateway.schema.model import MethodKind, RelationWrite, Resource, StandardMethod

WRITES: Mapping[MethodKind, frozenset[str]] = {
    MethodKind.CREATE: frozenset({"INSERT"}),
    MethodKind.BATCH_CREATE: frozenset({"INSERT"}),
    MethodKind.UPDATE: frozenset({"UPDATE"}),
    MethodKind.BATCH_UPDATE: frozenset({"UPDATE"}),
    MethodKind.UNDELETE: frozenset({"UPDATE"}),
    MethodKind.DELETE: frozenset({"DELETE"}),
    MethodKind.BATCH_DELETE: frozenset({"DELETE"}),
    MethodKind.BULK_UPSERT: frozenset({"INSERT", "UPDATE"}),
    MethodKind.INGEST: frozenset({"INSERT", "UPDATE"}),
    MethodKind.UPDATE_BY_FILTER: frozenset({"UPDATE"}),
    MethodKind.DELETE_BY_FILTER: frozenset({"DELETE"}),
}
"""How each kind of method that writes does so, on a table whose rows are deleted for good."""


def writes_of(kind: MethodKind, *, soft_delete: bool) -> frozenset[str]:
    """Return how a method writes; empty for one that reads.

    Args:
        kind: what it does.
        soft_delete: whether rows of its table are only marked as deleted.

    """
    writes = WRITES.get(kind, frozenset())
    return frozenset({"UPDATE"}) if soft_delete and "DELETE" in writes else writes


def related_writes_of(method: StandardMethod, related: Resource) -> frozenset[str]:
    """Return how a method writes rows of relations, of one of the resources that these lead to.

    Where several relations lead to one, it is what any of them takes.
    """
    writes = WRITES.get(method.kind, frozenset())
    if "UPDATE" not in writes:
        return writes
    holders = (method.resource, *method.related.values())
    target = related.message.full_name
    ways = {one.write for held in holders for one in held.relations if one.target == target}
    creates = "allow_missing" in (method.item or method).request
    found = {"INSERT"} if creates or ways & _CHANGED else set()
    if ways & _CHANGED:
        found.add("UPDATE")
    if RelationWrite.REPLACE in ways and related.soft_delete is None:
        found.add("DELETE")
    return frozenset(found)


_CHANGED = frozenset({RelationWrite.REPLACE, RelationWrite.MERGE})


def privileges_for(writes: AbstractSet[str]) -> frozenset[str]:
    """Return what a role needs to write so.

    Every write returns its row, or looks for it, which takes SELECT; one that deletes locks it first, which
    takes UPDATE.
    """
    locks = frozenset({"UPDATE"}) if "DELETE" in writes else frozenset[str]()
    return frozenset({"SELECT"}) | writes | locks
