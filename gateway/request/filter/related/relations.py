"""The relations that filters and orders may go through, as whoever asks knows them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gateway.request.filter.plan import Hop
from gateway.schema.model import Relation, Resource

HopOf = Callable[[Relation], Hop]
"""Returns the way by a relation, of which there is one."""


def _no_hop(relation: Relation) -> Hop:
    msg = f"there is no way by {relation}"
    raise AssertionError(msg)


@dataclass(frozen=True, slots=True, eq=False)
class Relations:
    """The relations of a resource, and of those that they lead to.

    Args:
        resources: those that they lead to, by their messages' full names: with the columns alone that whoever
            asks knows. A relation to another isn't there.
        hop: returns the way by one.

    """

    resources: Mapping[str, Resource] = field(default_factory=dict)
    hop: HopOf = _no_hop

    def find(self, resource: Resource, name: str) -> Relation | None:
        """Return the relation of a name; None where there is none for whoever asks."""
        relation = resource.relation_by_name.get(name)
        return relation if relation is not None and relation.target in self.resources else None

    def target(self, relation: Relation) -> Resource:
        """Return the resource of a relation's rows, as filters and orders know it."""
        return self.resources[relation.target].askable

    def names(self, resource: Resource) -> tuple[str, ...]:
        """Return the names of what a filter over a resource may begin with."""
        known = (one.name for one in resource.relations if one.target in self.resources)
        return (*resource.by_name, *known)


NO_RELATIONS = Relations()
