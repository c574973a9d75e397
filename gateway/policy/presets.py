"""Presets: columns that are set to something of the caller who writes, whatever requests say."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from google.protobuf.message_factory import GetMessageClass

from gateway.auth.by_principal import ByPrincipal
from gateway.auth.principal import ANONYMOUS_ROLE, Principal
from gateway.errors import FieldViolation, InvalidArgument, PermissionDenied
from gateway.policy.caller import Value, caller_value, is_caller, is_id
from gateway.policy.rule_checker import SPELLINGS, driver_value
from gateway.request.filter.context import Context
from gateway.request.filter.parser import parse
from gateway.request.filter.tree import Member, Restriction
from gateway.schema.diagnostics import Diagnostic, SchemaError
from gateway.schema.model import Field, Resource, Schema
from gateway.schema.values import InvalidValueError

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor


@dataclass(frozen=True, slots=True, eq=False)
class Preset:
    """One column's.

    Args:
        field: the column's field.
        source: names the caller's value, as `principal.id`.
        read: returns the driver value of a caller; None where it has none that fits.
        create: whether new rows take it.
        update: whether rows that change take it.
        always: whether it is taken whatever a request says; else where that says nothing, by who has it.

    """

    field: Field
    source: str
    read: Value
    create: bool
    update: bool
    always: bool = True

    def of(self, caller: Principal) -> Any:
        """Return a caller's value as messages have it; None where it has none that the column holds."""
        value, kind, name = self.read(caller), self.field.type, self.field.name
        if value is None:
            return None
        try:
            message = GetMessageClass(cast("Descriptor", self.field.descriptor.containing_type))
            held = getattr(message(**{name: value if kind.decode is None else kind.decode(value)}), name)
            if kind.encode is not None:
                kind.encode(held)
        except (InvalidValueError, ValueError):
            return None
        return held

    def refusal(self, path: str) -> PermissionDenied:
        """Return the error of a caller without such a value."""
        text = f"is set to {self.source}, of which the caller has none that fits"
        return PermissionDenied(
            f"{path}: {text}",
            reason="PRESET_MISSING",
            violations=[FieldViolation(path, text, "PRESET_MISSING")],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Presets:
    """Those of one table.

    Args:
        all: each column's.

    """

    all: tuple[Preset, ...]
    _values: ByPrincipal[Mapping[str, Any]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_values", ByPrincipal(self._of_all))

    def values(self, caller: Principal) -> Mapping[str, Any]:
        """Return a caller's values as messages have them, by fields; None where it has none that fits."""
        return self._values[caller]

    def _of_all(self, caller: Principal) -> Mapping[str, Any]:
        return {one.field.name: one.of(caller) for one in self.all}

    def of_changes(self, caller: Principal) -> Mapping[str, Any]:
        """Return the driver values that a change sets, by columns; raises PermissionDenied."""
        values = self.values(caller)
        changing = [one for one in self.all if one.update]
        for one in changing:
            if values[one.field.name] is None:
                raise one.refusal(one.field.name)
        return {one.field.column: one.read(caller) for one in changing}


def presets_of(schema: Schema) -> Mapping[str, tuple[Preset, ...]]:
    """Return the presets of each resource that has some, by its message's full name; raises SchemaError."""
    wrong: list[Diagnostic] = []
    found = {name: tuple(_presets(resource, wrong)) for name, resource in schema.resources.items()}
    if wrong:
        raise SchemaError(wrong)
    return {name: presets for name, presets in found.items() if presets}


def _presets(resource: Resource, wrong: list[Diagnostic]) -> Iterator[Preset]:
    for one in resource.fields:
        if one.preset is None:
            continue
        source = one.preset.create or one.preset.update
        try:
            read = _reader(one, source)
        except InvalidArgument as error:
            text = error.violations[0].description
            wrong.append(
                Diagnostic(resource.message.file.name, one.line, one.descriptor.full_name, f"preset: {text}")
            )
        else:
            yield Preset(one, source, read, bool(one.preset.create), bool(one.preset.update))


def _reader(one: Field, source: str) -> Value:
    """Return what reads a field's driver value of a caller; raises InvalidArgument."""
    context = Context(source)
    tree = parse(source, parentheses=True)
    left = tree.comparable if isinstance(tree, Restriction) and tree.comparator is None else None
    if not isinstance(left, Member) or not is_caller(left):
        raise context.error(0, "expected principal.id or principal.claims.NAME")
    if one.type.kind not in SPELLINGS or one.descriptor.message_type is not None:
        raise context.error(0, f"{one.name} can't hold what is known of callers")
    read = driver_value(one.type, caller_value(context, left), is_text=is_id(left))
    return _of_identified(read) if is_id(left) else read


def _of_identified(read: Value) -> Value:
    """Return what reads an id: who brings no credential has none."""
    return lambda caller: None if caller.kind == ANONYMOUS_ROLE else read(caller)


def merged(presets: Mapping[str, Iterable[Preset]], more: Mapping[str, Preset]) -> Mapping[str, Presets]:
    """Return the presets of all tables, with one more for some; that of a column that has one goes first."""
    found = {name: tuple(own) for name, own in presets.items()}
    for name, one in more.items():
        own = found.get(name, ())
        if all(other.field != one.field for other in own):
            found[name] = (*own, one)
    return {name: Presets(all_) for name, all_ in found.items()}
