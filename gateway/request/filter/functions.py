"""The functions of the filter language (AIP-160 lets each service define its own).

`startsWith(field, "x")`, `endsWith` and `contains` are conditions on text, also written
`field.startsWith("x")`; unlike `:` they heed case.
`timestamp("…")`, `duration("…")` and `date("…")` mark a literal's type.
"""

from collections.abc import Callable, Mapping

from gateway.errors.suggest import did_you_mean
from gateway.request.filter.context import Context
from gateway.request.filter.literals import pattern
from gateway.request.filter.plan import Column, Like, Predicate
from gateway.request.filter.resolve import resolve
from gateway.request.filter.tree import Arg, Function, Member
from gateway.schema.model import Field, Resource
from gateway.schema.values import ValueKind

CONDITIONS: Mapping[str, Callable[[str], str]] = {
    "startsWith": lambda text: f"{text}%",
    "endsWith": lambda text: f"%{text}",
    "contains": lambda text: f"%{text}%",
}
LITERALS: Mapping[str, ValueKind] = {
    "timestamp": ValueKind.TIMESTAMP,
    "duration": ValueKind.DURATION,
    "date": ValueKind.DATE,
}
_ARGS = 2


def call_condition(context: Context, resource: Resource, call: Function) -> Predicate:
    """Return the condition that a function is; raises InvalidArgument for an unknown or misused one."""
    around = CONDITIONS.get(call.names[-1].text)
    if around is None:
        hint = did_you_mean(call.names[-1].text, CONDITIONS)
        known = ", ".join(CONDITIONS)
        raise context.error(
            call.offset, f'there is no function "{call.text[:64]}"{hint or f"; known: {known}"}'
        )
    args = (Member(call.names[:-1]), *call.args) if len(call.names) > 1 else call.args
    subject, text = _two_members(context, call, args)
    field = resolve(context, resource, subject)
    if field.type.kind is not ValueKind.TEXT:
        raise context.error(subject.offset, f"{call.names[-1].text} takes a text field; {field.name} is none")
    return Like(Column(field.column), context.bind(around(pattern(text))))


def _two_members(context: Context, call: Function, args: tuple[Arg, ...]) -> tuple[Member, Member]:
    if len(args) == _ARGS:
        subject, text = args
        if isinstance(subject, Member) and isinstance(text, Member):
            return subject, text
    name = call.names[-1].text
    raise context.error(call.offset, f'expected {name}(field, "text") or field.{name}("text")')


def literal_of(context: Context, field: Field, call: Function) -> Member:
    """Return the literal whose type a function marks; raises InvalidArgument for the wrong type."""
    kind = LITERALS.get(call.text)
    if kind is None:
        known = ", ".join(f'{name}("…")' for name in LITERALS)
        raise context.error(call.offset, f"expected a value; the functions that give one are {known}")
    if field.type.kind not in (kind, ValueKind.JSON):
        raise context.error(call.offset, f"{field.name} is of kind {field.type.kind.value}, not {kind.value}")
    if len(call.args) != 1 or not isinstance(call.args[0], Member):
        raise context.error(call.offset, f'expected {call.text}("…")')
    return call.args[0]
