"""Names → fields."""

from gateway.errors.suggest import did_you_mean
from gateway.request.filter.compare import Subject, enum_names, value_of
from gateway.request.filter.context import Context
from gateway.request.filter.literals import has_wildcard, is_quoted, pattern
from gateway.request.filter.plan import (
    AnyElement,
    Column,
    Compare,
    Comparison,
    Contains,
    Element,
    IsNull,
    Like,
    Not,
    NotEmpty,
    Predicate,
)
from gateway.request.filter.related.relations import NO_RELATIONS, Relations
from gateway.request.filter.tree import Member
from gateway.schema.model import Field, Resource
from gateway.schema.values import InvalidValueError, ValueKind, ValueType

_MAY_BE_EMPTY = (ValueKind.TEXT, ValueKind.BYTES, ValueKind.OTHER)


def resolve(
    context: Context, resource: Resource, member: Member, relations: Relations = NO_RELATIONS
) -> Field:
    """Return the field that a member starts with; raises InvalidArgument, naming the closest, for none."""
    first = member.tokens[0]
    field = resource.by_name.get(first.text)
    if is_quoted(member) or field is None:
        if first.text == resource.etag and resource.version is not None:
            version = resource.by_column[resource.version].name
            raise context.error(first.offset, f'"{first.text}" is computed: compare "{version}" instead')
        if relations.find(resource, first.text) is not None:
            expected = f"expected a field of {resource.name} itself"
            raise context.error(first.offset, f'"{first.text}" is a relation: {expected}')
        hint = did_you_mean(first.text, relations.names(resource))
        raise context.error(first.offset, f'{resource.name} has no field "{first.text[:64]}"{hint}')
    if len(member.tokens) > 1 and field.type.kind is not ValueKind.JSON:
        raise context.error(member.tokens[1].offset, f'"{field.name}" has no fields: expected a comparator')
    return field


def subject_of(field: Field) -> Subject:
    """Return a field as what stands left of a comparator."""
    return Subject(Column(field.column), field.type, field.name, enum_names(field.descriptor))


def present(context: Context, field: Field) -> Predicate:
    """Return whether the field is there: set, not empty, or, without presence, not its zero (AIP-160)."""
    column = Column(field.column)
    if field.descriptor.is_repeated or field.type.kind in _MAY_BE_EMPTY:
        return NotEmpty(column)
    if field.has_presence or not field.type.equality:
        return Not(IsNull(column))
    zero = field.descriptor.default_value
    try:
        stored = zero if field.type.encode is None else field.type.encode(zero)
    except InvalidValueError:  # no row can hold the zero, as an empty text is no UUID
        return Not(IsNull(column))
    return Comparison(column, Compare.NE, context.bind(stored))


def contains(context: Context, field: Field, element: ValueType, literal: Member) -> Predicate:
    """Return whether an array holds the literal, or a text that matches its wildcards."""
    if element.kind is ValueKind.TEXT and has_wildcard(literal):
        return AnyElement(Column(field.column), Like(Element(), context.bind(pattern(literal))))
    value = value_of(context, Subject(Element(), element, field.name), literal)
    return Contains(Column(field.column), context.bind(value))
