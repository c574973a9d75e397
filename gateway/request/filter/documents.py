"""Comparisons inside a message, map, Struct or list that is stored as jsonb."""

import json
from dataclasses import replace

from google.protobuf.descriptor import FieldDescriptor

from gateway.request.filter.compare import COMPARES, Subject, compare, compare_null, enum_names
from gateway.request.filter.context import Context
from gateway.request.filter.functions import DOCUMENT, LIST
from gateway.request.filter.jsonb_path import (
    InvalidStepError,
    Spot,
    follow,
    follow_element,
    is_map,
    is_single,
    kind_of,
    scalar_type,
    zero_text,
)
from gateway.request.filter.lexer import Token
from gateway.request.filter.literals import dynamic_value, has_wildcard, is_word, pattern
from gateway.request.filter.plan import (
    And,
    AnyElement,
    AnyOnPath,
    Column,
    Compare,
    Comparison,
    DynamicComparison,
    Element,
    HasKey,
    IsNull,
    Json,
    Like,
    Not,
    NotEmpty,
    Operand,
    Or,
    Predicate,
)
from gateway.request.filter.tree import Member
from gateway.schema.model import Field
from gateway.schema.values import ValueKind

_KEYED = ("google.protobuf.Struct", "google.protobuf.ListValue")


def compare_inside(
    context: Context, field: Field, path: tuple[Token, ...], comparator: Token, literal: Member
) -> Predicate:
    """Return a comparison below `field`, which is stored as jsonb; `path` are the tokens after its name.

    Raises InvalidArgument where the path leads nowhere, or what it leads to has no such comparison.
    """
    return _Inside(context, comparator, literal, field.name).compare(
        field.descriptor, Column(field.column), path
    )


def subject_inside(context: Context, field: Field, path: tuple[Token, ...]) -> Subject:
    """Return the one value below `field`, stored as jsonb, to which a path leads, as functions take it.

    What no descriptor describes is a DOCUMENT. Raises InvalidArgument where it is no one value.
    """
    spot = _found(context, field.descriptor, path)
    root, kind = Column(field.column), kind_of(spot)
    if spot.rest:
        raise context.error(path[-spot.rest].offset, "this leads into a list, whose elements have only :")
    if kind is ValueKind.OTHER or spot.repeated or _is_list_value(spot):
        document = DOCUMENT if kind is ValueKind.OTHER else LIST
        return Subject(_operand(context, spot, root, ValueKind.JSON), document, field.name)
    if spot.field is None or kind in (ValueKind.JSON, ValueKind.BYTES):
        offset = path[-1].offset if path else 0
        raise context.error(offset, f"{field.name} is a map, message or bytes: expected a field below it")
    names = enum_names(spot.field)
    return Subject(_operand(context, spot, root, kind), scalar_type(spot.field), field.name, names)


def _is_list_value(spot: Spot) -> bool:
    message = spot.field.message_type if spot.field is not None else None
    return message is not None and message.full_name == "google.protobuf.ListValue"


def _json_path(keys: tuple[str, ...]) -> str:
    """Return the jsonpath of what is stored below some keys, and of its elements where that is a list."""
    return "$" + "".join(f".{json.dumps(key, ensure_ascii=False)}" for key in keys) + "[*]"


def _found(
    context: Context, field: FieldDescriptor, path: tuple[Token, ...], *, element: bool = False
) -> Spot:
    """Return what a path leads to from a field, or from its element."""
    steps = tuple(token.text for token in path)
    try:
        return follow_element(field, steps) if element else follow(field, steps)
    except InvalidStepError as error:
        raise context.error(path[error.step].offset, error.description) from error


def _operand(context: Context, spot: Spot, root: Operand, kind: ValueKind) -> Operand:
    if kind is ValueKind.JSON and not spot.keys:
        return root
    steps = context.bind(list(spot.keys))
    single = is_single(spot.field)
    if spot.field is None or not spot.implicit or kind is ValueKind.JSON:
        return Json(root, steps, kind, single=single)
    parent, zero = context.bind(list(spot.keys[:-1])), context.bind(zero_text(spot.field))
    return Json(root, steps, kind, parent, zero, single)


class _Inside:
    """One comparison: the comparator and the literal stay, the place moves."""

    def __init__(self, context: Context, comparator: Token, literal: Member, name: str) -> None:
        self._context = context
        self._comparator = comparator
        self._literal = literal
        self._name = name

    def compare(
        self, field: FieldDescriptor, root: Operand, path: tuple[Token, ...], *, element: bool = False
    ) -> Predicate:
        spot = _found(self._context, field, path, element=element)
        if spot.rest:
            return self._in_elements(spot, root, path[-spot.rest :])
        return self._at(spot, root)

    def _at(self, spot: Spot, root: Operand) -> Predicate:
        has = self._comparator.text == ":"
        kind = kind_of(spot)
        if has and is_word(self._literal, "*"):
            return self._present(spot, root)
        if is_word(self._literal, "null"):
            # A field without presence has a value wherever its message is there.
            held = Spot(None, spot.keys[:-1]) if spot.implicit else spot
            operand = _operand(self._context, held, root, ValueKind.JSON)
            return compare_null(self._context, operand, self._comparator)
        if kind is ValueKind.OTHER:
            return self._dynamic(spot, root)
        if kind is not ValueKind.JSON:
            return self._scalar(spot, root, kind)
        if not has:
            raise self._only_has(spot)
        if spot.repeated:
            return self._in_elements(spot, root, ())
        return self._has_member(spot, root)

    def _scalar(self, spot: Spot, root: Operand, kind: ValueKind) -> Predicate:
        if spot.field is None or kind is ValueKind.BYTES:
            raise self._context.error(self._comparator.offset, "bytes in a message have only = null and :*")
        operand = _operand(self._context, spot, root, kind)
        subject = Subject(operand, scalar_type(spot.field), self._name, enum_names(spot.field))
        # Of a list `:` asks for an element that has the value, of a text for what it holds.
        of_list = isinstance(root, Element)
        comparator = replace(self._comparator, text="=") if of_list else self._comparator
        return compare(self._context, subject, comparator, self._literal)

    def _dynamic(self, spot: Spot, root: Operand) -> Predicate:
        """Compare what a Struct or Value holds: by the literal's own type."""
        op = COMPARES[self._comparator.text]
        if self._comparator.text == ":" and (spot.keys or not isinstance(root, Element)):
            return self._holds(spot, root)
        if op in (Compare.EQ, Compare.NE) and has_wildcard(self._literal):
            text = _operand(self._context, spot, root, ValueKind.TEXT)
            like = Like(text, self._context.bind(pattern(self._literal)))
            return like if op is Compare.EQ else Not(like)
        return self._is(_operand(self._context, spot, root, ValueKind.JSON), op)

    def _is(self, operand: Operand, op: Compare) -> Predicate:
        kind, value = dynamic_value(self._literal)
        return DynamicComparison(operand, op, self._context.bind(value), kind)

    def _holds(self, spot: Spot, root: Operand) -> Predicate:
        """Return whether what stands there is the literal, is a list that has it, or an object with that key.

        Lists on the way stand for their elements, too.
        """
        path = self._context.bind(_json_path(spot.keys))
        if has_wildcard(self._literal):
            text = Json(Element(), self._context.bind([]), ValueKind.TEXT)
            return AnyOnPath(root, path, Like(text, self._context.bind(pattern(self._literal))))
        key = HasKey(Element(), self._context.bind(self._literal.text))
        return AnyOnPath(root, path, Or((self._is(Element(), Compare.EQ), key)))

    def _has_member(self, spot: Spot, root: Operand) -> Predicate:
        """Return `m:foo`: whether a map or Struct has a key, a ListValue a text, or a message a field."""
        field, key = spot.field, self._literal.text
        if (
            field is None
            or field.message_type is None
            or is_map(field)
            or field.message_type.full_name in _KEYED
        ):
            operand = _operand(self._context, spot, root, ValueKind.JSON)
            return HasKey(operand, self._context.bind(key))
        try:
            member = follow_element(field, (key,))
        except InvalidStepError as error:
            raise self._context.error(self._literal.offset, error.description) from error
        return self._present(replace(member, keys=(*spot.keys, *member.keys)), root)

    def _in_elements(self, spot: Spot, root: Operand, path: tuple[Token, ...]) -> Predicate:
        if spot.field is None or self._comparator.text != ":":
            raise self._only_has(spot)
        condition = self.compare(spot.field, Element(), path, element=True)
        return AnyElement(_operand(self._context, spot, root, ValueKind.JSON), condition)

    def _only_has(self, spot: Spot) -> Exception:
        what = "repeated" if spot.repeated else "a map or message"
        expected = f'is {what}, which has no "{self._comparator.text}"; expected : or a field below it'
        return self._context.error(self._comparator.offset, f"{self._name} {expected}")

    def _present(self, spot: Spot, root: Operand) -> Predicate:
        """Return whether it is set, not empty, without presence not zero; of a key, whether it is there."""
        operand = _operand(self._context, spot, root, ValueKind.JSON)
        if self._may_be_empty(spot):
            return NotEmpty(operand)
        there = Not(IsNull(operand))
        if spot.field is None or not spot.implicit:
            return there
        return And((there, self._not_zero(spot, spot.field, root)))

    def _not_zero(self, spot: Spot, field: FieldDescriptor, root: Operand) -> Predicate:
        """Return whether what is stored isn't its field's zero: others may have written it."""
        value_type, zero = scalar_type(field), field.default_value
        stored = _operand(self._context, replace(spot, implicit=False), root, kind_of(spot))
        given = zero if value_type.encode is None else value_type.encode(zero)
        return Comparison(stored, Compare.NE, self._context.bind(given))

    def _may_be_empty(self, spot: Spot) -> bool:
        if spot.field is None or spot.element:
            return False
        message = spot.field.message_type
        keyed = message is not None and (is_map(spot.field) or message.full_name in _KEYED)
        return spot.repeated or keyed or kind_of(spot) in (ValueKind.TEXT, ValueKind.BYTES)
