"""Calls of functions in a filter → what they stand for; each checks its arguments."""

from collections.abc import Callable, Iterable

from gateway.errors import InvalidArgument
from gateway.errors.suggest import did_you_mean
from gateway.request.filter.compare import Subject
from gateway.request.filter.context import Context
from gateway.request.filter.functions import (
    CONDITIONS,
    DOCUMENT,
    DOCUMENT_TEXT,
    FIELD,
    FUNCTIONS,
    GIVES_VALUE,
    LITERALS,
    MATCHES,
    NOW,
    PATTERNS,
    TEXT,
    TIMES,
    Computed,
)
from gateway.request.filter.literals import pattern
from gateway.request.filter.plan import Called, Like, Matches, Operand, Predicate
from gateway.request.filter.regular_expressions import InvalidPatternError, read_pattern
from gateway.request.filter.spans import distance_of
from gateway.request.filter.tree import Arg, Function, Member
from gateway.schema.values import InvalidValueError, ValueKind

SubjectOf = Callable[[Member | Function], Subject]
"""Returns what a field, or a function of one, is; raises InvalidArgument."""
_ARGS = 2
MAX_FUNCTIONS = 4
"""The most functions of which each takes what the other makes."""


def call_condition(context: Context, call: Function, subject_of: SubjectOf) -> Predicate:
    """Return the condition that a function is; raises InvalidArgument for a misused one."""
    name = call.names[-1].text
    args = arguments_of(call)
    if len(args) != _ARGS or not isinstance(args[0], Member | Function) or not isinstance(args[1], Member):
        raise context.error(call.offset, f'expected {name}(field, "text") or field.{name}("text")')
    subject = _as_text(subject_of(args[0]))
    if subject.type.kind is not ValueKind.TEXT:
        raise context.error(args[0].offset, f"{name} takes a text field; {subject.name} is none")
    if name == MATCHES:
        return _matches(context, subject, args[1])
    return Like(subject.operand, context.bind(PATTERNS[name](pattern(args[1]))))


def _matches(context: Context, subject: Subject, literal: Member) -> Predicate:
    try:
        found = read_pattern(literal.text)
    except InvalidPatternError as error:
        where = f"character {error.place + 1} of the regular expression"
        raise context.error(literal.offset, f"{where}: {error.description}") from error
    return Matches(subject.operand, context.bind(found.text), found.ignore_case)


def call_subject(context: Context, call: Function, subject_of: SubjectOf) -> Subject:
    """Return what a function makes of a value; raises InvalidArgument for an unknown or misused one."""
    function = FUNCTIONS.get(call.names[-1].text)
    if function is None:
        raise unknown_function(context, call, (*FUNCTIONS, *CONDITIONS))
    args = arguments_of(call)
    if len(args) != 1 or not isinstance(args[0], Member | Function):
        raise context.error(call.offset, f"expected {call.names[-1].text}(field), of {function.takes}")
    subject = subject_of(args[0])
    computed = _fitting(function.overloads, subject) or _fitting(function.overloads, _as_text(subject))
    if computed is None:
        name = call.names[-1].text
        raise context.error(args[0].offset, f"{name} takes {function.takes}; {subject.name} is none")
    if subject.type.kind not in computed.takes:
        subject = _as_text(subject)
    if _depth(subject.operand) >= MAX_FUNCTIONS:
        raise InvalidArgument.field(
            "filter",
            f"has more than {MAX_FUNCTIONS} functions, one of the other",
            reason="FILTER_TOO_COMPLEX",
        )
    return Subject(Called(computed.computed, subject.operand), computed.gives, _shown(call))


def _depth(operand: Operand) -> int:
    return 1 + _depth(operand.operand) if isinstance(operand, Called) else 0


def _fitting(overloads: Iterable[Computed], subject: Subject) -> Computed | None:
    return next((one for one in overloads if subject.type.kind in one.takes), None)


def _as_text(subject: Subject) -> Subject:
    """Return a document's value as the text that it is, where it is one; all else as it is."""
    if subject.type is not DOCUMENT:
        return subject
    return Subject(Called(DOCUMENT_TEXT, subject.operand), TEXT, subject.name)


def _shown(call: Function) -> str:
    return f"{call.names[-1].text}(…)"


def arguments_of(call: Function) -> tuple[Arg, ...]:
    """Return the arguments: `a.f(b)` is `f(a, b)`."""
    return (Member(call.names[:-1]), *call.args) if len(call.names) > 1 else call.args


def unknown_function(context: Context, call: Function, known: Iterable[str]) -> Exception:
    """Return the error of a function that there isn't."""
    hint = did_you_mean(call.names[-1].text, known) or f"; known: {', '.join(known)}"
    return context.error(call.offset, f'there is no function "{call.text[:64]}"{hint}')


def relative_micros(context: Context, call: Function) -> int | None:
    """Return the distance from now that a call gives, in microseconds; None where it is another function."""
    sign = TIMES.get(call.text)
    if sign is None and call.text != NOW:
        return None
    if sign is None:
        if call.args:
            raise context.error(call.offset, "expected now(), or ago(7d), or fromNow(7d)")
        return 0
    if len(call.args) != 1 or not isinstance(call.args[0], Member):
        raise context.error(call.offset, f"expected {call.text}(7d): weeks, days, hours, minutes or seconds")
    try:
        return sign * distance_of(call.args[0].text)
    except InvalidValueError as error:
        shown = call.args[0].text[:32]
        raise context.error(call.args[0].offset, f'"{shown}" {error.description}') from error


def other_field(context: Context, call: Function) -> Member | None:
    """Return the field that a value is compared with; None where a call is another function."""
    if call.text != FIELD:
        return None
    if len(call.args) != 1 or not isinstance(call.args[0], Member):
        raise context.error(call.offset, "expected field(other): the name of a field")
    return call.args[0]


def literal_of(context: Context, kind: ValueKind, name: str, call: Function) -> Member:
    """Return the literal whose type a function marks; raises InvalidArgument for the wrong type."""
    marked = LITERALS.get(call.text)
    if marked is None:
        expected = f"expected a value; the functions that give one are {', '.join(GIVES_VALUE)}"
        raise context.error(call.offset, expected)
    if kind not in (marked, ValueKind.JSON):
        raise context.error(call.offset, f"{name} is of kind {kind.value}, not {marked.value}")
    if len(call.args) != 1 or not isinstance(call.args[0], Member):
        raise context.error(call.offset, f'expected {call.text}("…")')
    return call.args[0]
