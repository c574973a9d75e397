"""Tenants: the column that says whose a row is, in each table that has it, and the claim of the caller's."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace

from gateway.config.auth_settings import AuthSettings
from gateway.errors import InvalidArgument
from gateway.policy.caller import CALLER, Value, claim_reader
from gateway.policy.presets import Preset
from gateway.policy.rule_checker import driver_value
from gateway.request.filter.parser import parse
from gateway.schema.diagnostics import Diagnostic, SchemaError
from gateway.schema.identity import is_exact
from gateway.schema.model import Field, Resource, Schema, TablePolicy
from gateway.schema.resources.partitions import is_partitioned_by, with_any_value
from gateway.schema.values import ValueKind

_logger = logging.getLogger(__name__)
_KINDS = (ValueKind.TEXT, ValueKind.UUID, ValueKind.INTEGER)
"""The kinds of columns that can be a tenant's."""


@dataclass(frozen=True, slots=True)
class Tenants:
    """Which column and which claim say the tenant.

    Args:
        column: of the tables.
        claim: the path of the claim, its names divided by dots.
        exempt: the messages whose tables are everybody's, by full name.

    """

    column: str
    claim: str
    exempt: frozenset[str] = frozenset()

    @property
    def value(self) -> Value:
        """Return what reads a caller's tenant; an empty text is none."""
        read = claim_reader(tuple(self.claim.split(".")))
        return lambda caller: None if (found := read(caller)) == "" else found

    def condition(self, field: Field) -> str:
        """Return the rule that a row is its caller's tenant's."""
        claim = f"{CALLER}.claims.{self.claim}"
        condition = f"{field.name} = {claim}"
        return f'{condition} AND {claim} != ""' if field.type.kind is ValueKind.TEXT else condition

    def column_of(self, resource: Resource) -> Field | None:
        """Return the field of a resource's tenant; None where its rows are of no tenant."""
        is_exempt = resource.message.full_name in self.exempt
        return None if is_exempt else resource.by_column.get(self.column)


@dataclass(frozen=True, slots=True)
class TenantColumn:
    """The column that says whose a table's rows are.

    Args:
        name: of the column.
        decides: whether nothing else says which rows a caller may read and delete.

    """

    name: str
    decides: bool


def tenants_of(settings: AuthSettings) -> Tenants | None:
    """Return what says the tenants; None where there are none."""
    if settings.tenant_column is None or settings.tenant_claim is None:
        return None
    return Tenants(settings.tenant_column, settings.tenant_claim, frozenset(settings.tenant_exempt))


def with_tenants(schema: Schema, tenants: Tenants) -> Schema:
    """Return the schema whose policies keep the tenants apart; raises SchemaError for tables that can't.

    Keys through which tenants could still hear of each other are told in the log.
    """
    wrong = [*_unknown(schema, tenants), *_without_tenant(schema, tenants)]
    if wrong:
        raise SchemaError(wrong)
    if telling := sorted(_telling_keys(schema, tenants)):
        _logger.warning(
            "keys without the tenant's column: a caller who hears that one is taken learns of another's row",
            extra={"keys": telling},
        )
    resources = {name: _with_policy(resource, tenants) for name, resource in schema.resources.items()}
    return replace(schema, resources=resources)


def tenant_presets(schema: Schema, tenants: Tenants) -> Mapping[str, Preset]:
    """Return what new rows take that leave their tenant unset, by the message's full name."""
    source = f"{CALLER}.claims.{tenants.claim}"
    found = {name: tenants.column_of(resource) for name, resource in schema.resources.items()}
    return {
        name: Preset(
            field,
            source,
            driver_value(field.type, tenants.value, is_text=False),
            create=True,
            update=False,
            always=False,
        )
        for name, field in found.items()
        if field is not None and field.descriptor.message_type is None
    }


def tenant_columns(schema: Schema, tenants: Tenants) -> Mapping[str, TenantColumn]:
    """Return the column of each tenants' table by the message's full name, of a schema `with_tenants`."""
    found = {name: tenants.column_of(resource) for name, resource in schema.resources.items()}
    return {
        name: TenantColumn(field.column, _decides(schema.resources[name], tenants.condition(field), field))
        for name, field in found.items()
        if field is not None
    }


def _decides(resource: Resource, condition: str, field: Field) -> bool:
    policy = resource.policy
    # What PostgreSQL alone holds to be equal may not be to the condition.
    is_whole = policy is not None and policy.read == policy.delete == condition
    return is_whole and is_exact(field.type)


def _with_policy(resource: Resource, tenants: Tenants) -> Resource:
    field = tenants.column_of(resource)
    if field is None:
        return resource
    condition, given = tenants.condition(field), resource.policy
    rules = {
        rule.name: condition if given is None else _narrowed(getattr(given, rule.name), condition)
        for rule in fields(TablePolicy)
    }
    # Which tenants there are is nothing to tell of: another's rows are as good as absent.
    told = with_any_value(resource) if is_partitioned_by(resource, field) else resource
    return replace(told, policy=TablePolicy(**rules))


def _narrowed(rule: str, condition: str) -> str:
    """Return a rule with a condition more; a wrong rule as it is, to be told with its place."""
    text = rule.strip()
    if not text:
        return rule
    if text == "*":
        return condition
    try:
        parse(text, parentheses=True)
    except InvalidArgument:
        return rule
    return f"{condition} AND ({text})"


def _unknown(schema: Schema, tenants: Tenants) -> Iterator[Diagnostic]:
    for name in sorted(tenants.exempt - schema.resources.keys()):
        yield Diagnostic("", 0, name, "is in auth.tenant_exempt, but no table", "name its message in full")


def _without_tenant(schema: Schema, tenants: Tenants) -> Iterator[Diagnostic]:
    """Yield the tables that nothing keeps apart by tenants."""
    for name, resource in schema.resources.items():
        file, field = resource.message.file.name, resource.by_column.get(tenants.column)
        if name in tenants.exempt:
            continue
        if field is None and resource.policy is None:
            wrong = f"has neither the tenant's column, {tenants.column}, nor a policy of its own"
            right = "add one of them, or name the message in auth.tenant_exempt"
            yield Diagnostic(file, resource.line, name, wrong, right)
        elif field is not None and field.type.kind not in _KINDS:
            wrong = f"{tenants.column} can't be a tenant's column: it is neither text, UUID nor integer"
            yield Diagnostic(file, resource.line, name, wrong)


def _telling_keys(schema: Schema, tenants: Tenants) -> Iterator[str]:
    """Yield the keys of tenants' tables by which one can hear of another's rows."""
    of_tenants = {(one.schema, one.table) for one in schema.resources.values() if tenants.column_of(one)}
    for resource in schema.resources.values():
        if tenants.column_of(resource) is None:
            continue
        unique = [resource.primary_key, *(key.columns for key in resource.unique)]
        unique += [tuple(c.column for c in index.columns) for index in resource.indexes if index.unique]
        for key in resource.foreign_keys:
            if (key.target_schema, key.target_table) in of_tenants:
                unique.append(key.columns)
        for columns in unique:
            if columns and tenants.column not in columns:
                yield f"{resource.schema}.{resource.table} ({', '.join(columns)})"
