"""Conditions on the rows of a relation: that there is one, that one meets something, how many are there."""

from typing import NamedTuple

from gateway.request.filter.compare import Subject
from gateway.request.filter.context import Context
from gateway.request.filter.functions import WHOLE
from gateway.request.filter.lexer import Token
from gateway.request.filter.literals import is_word
from gateway.request.filter.plan import AnyRow, Hop, Not, OneRow, Predicate, RowCount
from gateway.request.filter.related.embedded import held_by
from gateway.request.filter.related.relations import Relations
from gateway.request.filter.tree import Member
from gateway.request.masks import MAX_DEPTH
from gateway.schema.model import Relation, Resource


class Way(NamedTuple):
    """The way by a relation.

    Args:
        relation: the relation.
        hop: the way that all filters share.

    """

    relation: Relation
    hop: Hop

    @property
    def name(self) -> str:
        """Its field's name."""
        return self.relation.name

    @property
    def expected(self) -> str:
        """What may be asked, for errors."""
        some = f'"{self.name}" is a relation: it has {self.name}:*, and fields, as {self.name}.…'
        return f"{some}, and count({self.name})" if self.relation.is_many else some


def way_by(
    context: Context, relations: Relations, resource: Resource, token: Token, depth: int
) -> Way | None:
    """Return the way by the relation that a name begins with; None where it begins with none.

    Raises InvalidArgument for one relation too many.
    """
    relation = relations.find(resource, token.text)
    if relation is None:
        return None
    if depth == MAX_DEPTH:
        raise context.error(token.offset, f"goes through more than {MAX_DEPTH} relations")
    return Way(relation, relations.hop(relation))


def each_or_any(context: Context, way: Way, condition: Predicate) -> Predicate:
    """Return that the one row of a relation meets a condition, or one of several."""
    if way.relation.is_many:
        return is_any(context, way, condition)
    return OneRow(way.hop, held_by(context, way.hop), condition)


def is_any(context: Context, way: Way, condition: Predicate | None = None) -> Predicate:
    """Return that a relation holds a row, of which the condition is true."""
    return AnyRow(way.hop, held_by(context, way.hop), condition)


def is_there(context: Context, way: Way, comparator: Token, literal: Member) -> Predicate:
    """Return what a relation beside a comparator asks: `airline:*`; of one row, `airline = null`, too."""
    if comparator.text == ":" and is_word(literal, "*"):
        return is_any(context, way)
    is_null = not way.relation.is_many and is_word(literal, "null")
    if is_null and comparator.text in ("=", "!="):
        there = is_any(context, way)
        return Not(there) if comparator.text == "=" else there
    raise context.error(comparator.offset, way.expected)


def count_of(context: Context, way: Way, condition: Predicate | None) -> Subject:
    """Return how many rows a relation holds, as what is compared."""
    return Subject(RowCount(way.hop, held_by(context, way.hop), condition), WHOLE, f"count({way.name})")
