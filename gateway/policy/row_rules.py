"""Rules of rows: filters over a row and its caller, checked at the start, and made conditions of statements.

A rule's shape makes the condition. What the caller is goes with each item of a request, as values of columns
of their own: so a statement serves all callers together.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.auth.by_principal import ByPrincipal
from gateway.auth.principal import Principal
from gateway.policy.caller import Value
from gateway.request.filter.plan import Predicate
from gateway.schema.model import Field, Resource

NO_VALUES: Mapping[str, Any] = {}
"""The values of a caller where no rule asks for them."""


@dataclass(frozen=True, slots=True)
class CallerColumn:
    """A value of the caller's that statements take beside those of a row.

    Args:
        field: its name and type, as statements see them.
        read: returns the driver value of a caller; None where that is unknown.

    """

    field: Field
    read: Value


@dataclass(frozen=True, slots=True, eq=False)
class RowRule:
    """One rule, or a part of one. Told apart by identity: statements are kept by the rules in them.

    Args:
        resource: what the rows are, with all columns: rules may ask for some that their callers may not read.
        name: what it is for: `read`, `create` …
        shape: its condition; None where every row meets it.
        constants: the values of those binds that the policy itself names.
        callers: the columns of the caller's values, by bind.
        nobody: whether no row meets it.

    """

    resource: Resource
    name: str
    shape: Predicate | None
    constants: Mapping[int, Any] = field(default_factory=dict)
    callers: Mapping[int, CallerColumn] = field(default_factory=dict)
    nobody: bool = False

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields of the caller's values."""
        return tuple(column.field for column in self.callers.values())


@dataclass(frozen=True, slots=True)
class ChangeRules:
    """The rules of one kind of change, or of what creates rows.

    Args:
        checks: what the new or changed rows have to be.
        read: of the stored rows that are there for the caller; None where rows are created.
        using: of the stored rows that may be changed so; None where rows are created.

    """

    checks: tuple[RowRule, ...] = ()
    read: RowRule | None = None
    using: RowRule | None = None

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields of the caller's values, each once."""
        rules = (*self.checks, *filter(None, (self.read, self.using)))
        return tuple({field.column: field for rule in rules for field in rule.fields}.values())


@dataclass(frozen=True, slots=True, eq=False)
class TableRules:
    """The rules of one table: what each caller may read, and what it may make of rows.

    Args:
        read: of the stored rows that are there for the caller.
        create: of new rows.
        update: of the stored rows that may be changed.
        update_check: of changed rows.
        delete: of the stored rows that may be deleted.

    """

    read: RowRule
    create: RowRule
    update: RowRule
    update_check: RowRule
    delete: RowRule
    _values: ByPrincipal[Mapping[str, Any]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_values", ByPrincipal(self._read))

    @property
    def creating(self) -> ChangeRules:
        """The rules of creating a row: the answer is to be read, too."""
        return ChangeRules((self.create, self.read))

    @property
    def updating(self) -> ChangeRules:
        """The rules of changing a row, or undeleting it: the answer is to be read, too."""
        return ChangeRules((self.update_check, self.read), self.read, self.update)

    @property
    def deleting(self) -> ChangeRules:
        """The rules of deleting a row, or marking it as deleted."""
        return ChangeRules((), self.read, self.delete)

    def values(self, caller: Principal) -> Mapping[str, Any]:
        """Return a caller's values of all rules, by the columns' names."""
        return self._values[caller]

    def _read(self, caller: Principal) -> Mapping[str, Any]:
        rules = (self.read, self.create, self.update, self.update_check, self.delete)
        columns = (column for rule in rules for column in rule.callers.values())
        return {column.field.column: column.read(caller) for column in columns}


def read_rule(rules: TableRules | ChangeRules | None) -> RowRule | None:
    """Return the rule of the rows that are there for a caller; None for a table without rules."""
    return rules.read if rules is not None else None


def caller_values(rules: TableRules | None, caller: Principal) -> Mapping[str, Any]:
    """Return a caller's values of all rules, by the columns' names; none for a table without rules."""
    return rules.values(caller) if rules is not None else NO_VALUES
