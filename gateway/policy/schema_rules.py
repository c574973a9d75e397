"""The rules of rows that a schema's policies say, all checked at the start."""

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.errors import InvalidArgument
from gateway.policy.literals import require_quotes
from gateway.policy.row_rules import CallerColumn, RowRule, TableRules
from gateway.policy.rule_checker import CallerColumns, RuleChecker
from gateway.request.filter.context import Context
from gateway.request.filter.parser import parse
from gateway.request.filter.plan import Given, OfCaller
from gateway.request.filter.related.hops import Condition, Hops
from gateway.schema.diagnostics import Diagnostic, SchemaError
from gateway.schema.model import Resource, Schema

_ALL = "*"
_RULES = ("read", "create", "update", "update_check", "delete")


def row_rules(schema: Schema) -> Mapping[str, TableRules]:
    """Return the rules of each resource with a policy, by its message's full name; raises SchemaError."""
    return _SchemaRules(schema).all()


def hops_of(schema: Schema, rules: Mapping[str, TableRules]) -> Hops:
    """Return the ways by a schema's relations to the rows that the rules let a caller see."""

    def read(resource: Resource) -> Condition | None:
        of_table = rules.get(resource.message.full_name)
        return None if of_table is None else _condition_of(of_table.read)

    return Hops(schema, read)


def _condition_of(rule: RowRule) -> Condition | None:
    """Return what a rule asks of rows and their caller; None where that is nothing."""
    if rule.nobody:
        return Given(0), (False,)
    if rule.shape is None:
        return None
    of_caller = {bind: OfCaller(one.field.type, one.read) for bind, one in rule.callers.items()}
    values: Mapping[int, Any] = {**rule.constants, **of_caller}
    return rule.shape, tuple(values[bind] for bind in range(len(values)))


class _SchemaRules:
    """Reads rules: those of what is read when one is first asked for, as others may ask by relations."""

    def __init__(self, schema: Schema) -> None:
        self._resources = {name: one for name, one in schema.resources.items() if one.policy is not None}
        self._columns = {name: CallerColumns(one) for name, one in self._resources.items()}
        self._hops = Hops(schema, self._read_by_others)
        self._read: dict[str, RowRule] = {}
        self._under_way: set[str] = set()
        self._wrong: list[Diagnostic] = []

    def all(self) -> Mapping[str, TableRules]:
        rules = {name: self._of_table(name, one) for name, one in self._resources.items()}
        if self._wrong:
            raise SchemaError(self._wrong)
        return rules

    def _of_table(self, name: str, resource: Resource) -> TableRules:
        others = (self._rule(rule, name, resource) for rule in _RULES[1:])
        return TableRules(self._read_rule(name), *others)

    def _read_by_others(self, resource: Resource) -> Condition | None:
        name = resource.message.full_name
        return _condition_of(self._read_rule(name)) if name in self._resources else None

    def _read_rule(self, name: str) -> RowRule:
        if name not in self._read:
            resource = self._resources[name]
            if name in self._under_way:
                text = "goes round in a circle: by a relation it asks for rows that this very rule is of"
                raise SchemaError([self._diagnostic("read", resource, text)])
            self._under_way.add(name)
            self._read[name] = self._rule("read", name, resource)
            self._under_way.remove(name)
        return self._read[name]

    def _rule(self, rule: str, name: str, resource: Resource) -> RowRule:
        try:
            return self._checked(rule, getattr(resource.policy, rule), resource, self._columns[name])
        except InvalidArgument as error:
            self._wrong.append(self._diagnostic(rule, resource, error.violations[0].description))
            return RowRule(resource, rule, None, nobody=True)

    def _checked(self, rule: str, text: str, resource: Resource, columns: CallerColumns) -> RowRule:
        if text.strip() == _ALL:
            return RowRule(resource, rule, None)
        tree = parse(text, parentheses=True)
        if tree is None:
            return RowRule(resource, rule, None, nobody=True)
        context = Context(text)
        shape = RuleChecker(context, resource, self._hops.relations).expression(tree)
        require_quotes(context, tree, resource)
        callers = _callers(context.values(), columns)
        constants = {i: value for i, value in enumerate(context.values()) if i not in callers}
        return RowRule(resource, rule, shape, constants, callers)

    @staticmethod
    def _diagnostic(rule: str, resource: Resource, text: str) -> Diagnostic:
        where = f"{resource.message.full_name}, policy.{rule}"
        return Diagnostic(resource.message.file.name, resource.line, where, text)


def _callers(values: Iterable[Any], columns: CallerColumns) -> dict[int, CallerColumn]:
    """Return the columns of the caller's values, by bind."""
    return {i: columns.add(value) for i, value in enumerate(values) if isinstance(value, OfCaller)}
