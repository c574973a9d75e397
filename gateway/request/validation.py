"""Rules of `buf.validate` that messages carry, evaluated by protovalidate (https://protovalidate.com)."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from gateway.errors import FieldViolation, InvalidArgument
from gateway.request.keys import below
from gateway.request.masks import Related
from gateway.request.rows import MAX_VIOLATIONS
from gateway.schema.model import Resource
from gateway.schema.protos.validation_options import has_rules

if TYPE_CHECKING:
    from protovalidate import Violation

_NO_REASON = re.compile(r"[^A-Z0-9]+")


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """A rule that a message breaks.

    Args:
        fields: the names of the fields from the message to the wrong one; none where it is the message.
        violation: what is told of it; its reason is the rule's id.

    """

    fields: tuple[str, ...]
    violation: FieldViolation


class MessageRules:
    """Evaluates the rules of messages, and of what these hold."""

    def __init__(self) -> None:
        from protovalidate import EvaluationError, Validator  # noqa: PLC0415 - few schemas need it

        self._collect = Validator().collect_violations
        self._undecided = EvaluationError

    def broken(self, message: Message, path: str) -> Iterator[BrokenRule]:
        """Yield the rules that a message breaks whose path is `path`.

        Raises InvalidArgument (reason RULE_NOT_EVALUATED) where a rule fails on its values, as by a division.
        """
        try:
            found = self._collect(message)
        except self._undecided as error:
            place = path or message.DESCRIPTOR.name
            raise InvalidArgument.field(
                place, "holds values of which a rule can't be evaluated", reason="RULE_NOT_EVALUATED"
            ) from error
        return (_broken(one, path) for one in found)


@lru_cache(maxsize=1)
def _message_rules() -> MessageRules:
    return MessageRules()


def rules_of(message: Descriptor) -> MessageRules | None:
    """Return what evaluates the rules of a message; None where it has none, nor what it can hold."""
    return _message_rules() if has_rules(message) else None


def broken_rules(broken: Sequence[BrokenRule]) -> InvalidArgument:
    """Return the error of a message that breaks rules."""
    violations = [one.violation for one in broken[:MAX_VIOLATIONS]]
    text = "; ".join(": ".join(filter(None, (one.field, one.description))) for one in violations)
    return InvalidArgument(f"rules don't hold: {text}", reason="RULE_VIOLATION", violations=violations)


def concerns_row(resource: Resource) -> Callable[[str], bool]:
    """Return what says of a field's name whether rules of it hold for rows that callers send.

    They don't where what is sent is ignored or refused: of fields that the server sets, or that the caller
    may not write.
    """
    ignored = {field.name for field in resource.fields if not field.writable} | resource.unwritable
    return lambda name: name not in ignored


def concerns_tree(
    resource: Resource, related: Related, names: Sequence[str], references: Sequence[str] = ()
) -> bool:
    """Whether a rule holds for a new row, or one that it holds, of the field at the end of a way of names.

    It doesn't for columns by which a row refers to the one that holds it: those are filled.

    Args:
        resource: what the row is.
        related: the resources that its relations lead to.
        names: of the fields from the row to that one.
        references: the columns by which the row itself refers to another that holds it.

    """
    if not names:
        return True
    relation = resource.relation_by_name.get(names[0])
    if relation is not None:
        below = related.get(relation.target) if relation.is_created else None
        return below is not None and concerns_tree(below, related, names[1:], relation.references)
    field = resource.by_name.get(names[0])
    return concerns_row(resource)(names[0]) and not (field is not None and field.column in references)


def _broken(violation: "Violation", path: str) -> BrokenRule:
    found: Any = violation.proto
    elements = found.field.elements if found.field is not None else ()
    for element in elements:
        path = below(path, element.field_name) + _subscript(element.subscript)
    reason = _NO_REASON.sub("_", found.rule_id.upper()).strip("_")
    names = tuple(str(element.field_name) for element in elements)
    return BrokenRule(names, FieldViolation(path, found.message or f"breaks {found.rule_id}", reason))


def _subscript(subscript: Any) -> str:
    if subscript is None:
        return ""
    key = subscript.value
    return f'["{key}"]' if isinstance(key, str) else f"[{str(key).lower()}]"
