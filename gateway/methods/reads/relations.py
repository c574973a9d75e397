"""What a method reads by relations: statements' part, responses' part, and the values of what is bound."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.methods.engine import Engine
from gateway.policy.row_rules import caller_values, read_rule
from gateway.request.call import Call
from gateway.request.masks import Mask, RelationMask
from gateway.request.order import Term
from gateway.response.related import RelatedShape
from gateway.response.shape import RowShape
from gateway.sql.read import selected
from gateway.sql.relations import RelatedRows, bound_values


@dataclass(frozen=True, slots=True)
class Related:
    """What one read mask names of relations.

    Args:
        rows: what statements read.
        shapes: what responses show.

    """

    rows: tuple[RelatedRows, ...]
    shapes: tuple[RelatedShape, ...]

    def values(self, engine: Engine, call: Call) -> Mapping[str, Any]:
        """Return the values of all that is bound for relations, by their parameters' names."""
        return bound_values(
            self.rows, lambda one: caller_values(engine.rules_of(one), call.principal), call.time
        )


NONE = Related((), ())
"""Of rows that have no relations, or of which none is read."""


def related_of(mask: Mask, engine: Engine) -> Related:
    """Return what a mask names of relations."""
    both = [_related(one, engine) for one in mask.relations]
    return Related(tuple(rows for rows, _ in both), tuple(shape for _, shape in both))


def _related(named: RelationMask, engine: Engine) -> tuple[RelatedRows, RelatedShape]:
    relation, resource, below = named.relation, named.resource, related_of(named.mask, engine)
    fields = selected(resource, named.mask, tuple(map(Term, relation.references)))
    declared = engine.relations[relation.descriptor.full_name]
    rows = RelatedRows(
        relation=relation,
        rows=declared,
        table=engine.table(resource),
        fields=fields,
        rule=read_rule(engine.rules_of(resource)),
        order=declared.order,
        limit=relation.limit,
        related=below.rows,
    )
    return rows, RelatedShape(relation, RowShape(resource, fields, named.mask), below.shapes)
