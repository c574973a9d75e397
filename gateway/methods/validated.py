"""Methods whose requests carry rules of `buf.validate`: these hold before anything else is looked at."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from google.protobuf.message import Message

from gateway.methods.engine import Engine
from gateway.methods.handlers import AnyHandler
from gateway.methods.sent_messages import handled, single_requests, writes_relation
from gateway.methods.writes.items import flag
from gateway.request.validation import (
    BrokenRule,
    MessageRules,
    broken_rules,
    concerns_row,
    concerns_tree,
)
from gateway.schema.model import MethodKind, StandardMethod
from gateway.schema.protos.validation_options import carries_rules

_UPDATES = frozenset({MethodKind.UPDATE, MethodKind.UPDATE_BY_FILTER})


class Validated:
    """Refuses requests that break rules.

    A batch is looked at request by request; the rows of a bulk upsert by its handler, which refuses them one
    by one. Of a row that is changed the rules of the fields hold that are written, and those of the row as a
    whole where it is replaced, or may be a new one. Rows that a filter finds are sent without a key, whose
    rules don't hold.

    Args:
        method: the method.
        engine: the gateway's parts.
        make: makes the handler.
        rules: evaluates the rules.

    """

    def __init__(
        self,
        method: StandardMethod,
        engine: Engine,
        make: Callable[[StandardMethod, Engine], AnyHandler],
        rules: MessageRules,
    ) -> None:
        self._method = method
        self._rules = rules
        self._many = next(
            (method.request[role].name for role in ("requests", "rows") if role in method.request), ""
        )
        self._itself = carries_rules(method.descriptor.input_type)
        self._concerns_row = concerns_row(method.resource)
        self._handler: Any = make(method, engine)

    def __call__(self, request: Any, call: Any) -> Any:
        """Return what the handler does; raises InvalidArgument (reason RULE_VIOLATION)."""
        return handled(self._method, self._handler, request, call, self._checked)

    def _checked(self, request: Message) -> Iterator[None]:
        if not self._many:
            self._check(request, self._method, "")
            return
        if self._itself:
            _refuse([one for one in self._rules.broken(request, "") if not self._is_of_item(one)])
        if self._method.item is not None and "requests" in self._method.request:
            for one, method, place in single_requests(self._method, request):
                yield
                self._check(one, method, place)

    def _is_of_item(self, broken: BrokenRule) -> bool:
        """Whether a rule is that of a row or single request, which are looked at one by one."""
        return broken.fields[0:1] == (self._many,) and (
            len(broken.fields) > 1 or "[" in broken.violation.field
        )

    def _check(self, request: Message, method: StandardMethod, place: str) -> None:
        _refuse([one for one in self._rules.broken(request, place) if self._holds(one, request, method)])

    def _holds(self, broken: BrokenRule, request: Message, method: StandardMethod) -> bool:
        holder = method.request.get("resource")
        if holder is None or broken.fields[0:1] != (holder.name,) or not request.HasField(holder.name):
            return True
        names = broken.fields[1:]
        relation = method.resource.relation_by_name.get(names[0]) if names else None
        if relation is not None:
            return (
                concerns_tree(method.resource, method.related, names)
                and writes_relation(method, request, relation)
                and (_is_new(request, method) or _is_named(request, method, names))
            )
        below = broken.fields[1:2]
        if below and not self._concerns_row(below[0]):
            return False
        if method.kind is MethodKind.UPDATE_BY_FILTER and below and below[0] in _key_of(method):
            return False
        return _is_whole(request, method) or (
            bool(below) and below[0] in _written(request, method, holder.name)
        )


def with_whole_requests(handler: Any, rules: MessageRules) -> Any:
    """Return a handler of single requests that refuses those which break rules, whatever is in them."""

    def checked(request: Any, call: Any) -> Any:
        _refuse(list(rules.broken(request, "")))
        return handler(request, call)

    return checked


def _is_new(request: Message, method: StandardMethod) -> bool:
    """Whether the row that is sent is a new one, or may be."""
    return method.kind not in _UPDATES or flag(request, method.request, "allow_missing")


def _is_named(request: Message, method: StandardMethod, names: Sequence[str]) -> bool:
    """Whether an update's mask has the field at the end of a way of names written, or it is of a key.

    Rows that turn out to be new are looked at as a whole when they are (gateway.request.relations.trees).
    """
    resource, way = method.resource, 0
    while way < len(names) and (relation := resource.relation_by_name.get(names[way])) is not None:
        resource, way = method.related[relation.target], way + 1
    named = {tuple(step for step in path.split(".") if step != "*") for path in _mask_paths(request, method)}
    if names[way : way + 1] and names[way] in {field.name for field in resource.key_fields}:
        return any(path[:way] == tuple(names[:way]) for path in named)
    return tuple(names[:way]) in named or tuple(names[: way + 1]) in named


def _is_whole(request: Message, method: StandardMethod) -> bool:
    """Whether the row that is sent is a new one, replaces the stored one, or may be either."""
    if _is_new(request, method):
        return True
    return _mask_paths(request, method) == ["*"]


def _written(request: Message, method: StandardMethod, holder: str) -> set[str]:
    """Return the names of the fields that an update writes, and those of the key."""
    named = {path.partition(".")[0] for path in _mask_paths(request, method)}
    return _key_of(method) | (named or {field.name for field, _ in getattr(request, holder).ListFields()})


def _key_of(method: StandardMethod) -> set[str]:
    """Return the names of the key's fields."""
    return {field.name for field in method.resource.key_fields}


def _mask_paths(request: Message, method: StandardMethod) -> list[str]:
    mask = method.request.get("update_mask")
    return list(getattr(request, mask.name).paths) if mask is not None else []


def _refuse(broken: list[BrokenRule]) -> None:
    if broken:
        raise broken_rules(broken)
