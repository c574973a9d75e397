"""The ways by a schema's relations, and what holds of the rows there: its filters, and rules of reading."""

from collections.abc import Callable
from typing import Any

from gateway.errors import InvalidArgument
from gateway.request.filter import parse_filter
from gateway.request.filter.plan import Hop, Predicate
from gateway.request.filter.related.embedded import with_binds
from gateway.request.filter.related.relations import Relations
from gateway.schema.diagnostics import Diagnostic, SchemaError
from gateway.schema.model import Relation, Resource, Schema

Condition = tuple[Predicate, tuple[Any, ...]]
"""A shape, and the values of its binds."""


class Hops:
    """Makes the way by each relation once, when it is first gone.

    Args:
        schema: has the relations.
        read_rule: returns the condition of a resource's rows that are there for a caller; None where all are.

    """

    def __init__(self, schema: Schema, read_rule: Callable[[Resource], Condition | None]) -> None:
        self._resources = schema.resources
        self._read_rule = read_rule
        self._sources = {
            str(relation.descriptor.full_name): resource
            for resource in schema.resources.values()
            for relation in resource.relations
        }
        self._hops: dict[str, Hop] = {}
        self._under_way: set[str] = set()

    @property
    def relations(self) -> Relations:
        """The relations as the schema's own filters and rules know them, with all columns."""
        return Relations(self._resources, self)

    def __call__(self, relation: Relation) -> Hop:
        """Return the way by a relation; raises SchemaError where its filter is wrong, or asks for itself."""
        name = str(relation.descriptor.full_name)
        if name not in self._hops:
            self._hops[name] = self._made(name, relation)
        return self._hops[name]

    def _made(self, name: str, relation: Relation) -> Hop:
        source, target = self._sources[name], self._resources[relation.target]
        where = f"{name}, relation.filter"
        if name in self._under_way:
            raise _wrong(source, relation.line, where, "goes round in a circle: it asks for its own rows")
        self._under_way.add(name)
        try:
            found = (self._read_rule(target), self._declared(relation, target))
        except InvalidArgument as error:
            raise _wrong(source, relation.line, where, error.violations[0].description) from error
        finally:
            self._under_way.remove(name)
        conditions: list[Predicate] = []
        values: list[Any] = []
        for shape, given in filter(None, found):
            conditions.append(with_binds(shape, [len(values) + i for i in range(len(given))]))
            values += given
        return Hop(relation, source, target, tuple(conditions), tuple(values))

    def _declared(self, relation: Relation, target: Resource) -> Condition | None:
        declared = parse_filter(relation.filter, target, self.relations)
        return None if declared.shape is None else (declared.shape, declared.values)


def _wrong(resource: Resource, line: int, where: str, text: str) -> SchemaError:
    return SchemaError([Diagnostic(resource.message.file.name, line, where, text)])
