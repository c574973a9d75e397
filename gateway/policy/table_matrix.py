"""What policies say of tables: the rules of rows, who may have which columns, and what these are set to."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gateway.policy.columns import limits_of
from gateway.policy.roles import held_with, with_own
from gateway.schema.model import Field, Resource, Schema
from gateway.schema.sql_method import SqlMethod

NOTHING, MASKED, READ, BOTH = "-", "m", "r", "rw"
_NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class ColumnRow:
    """Who may do what with one column that isn't everybody's.

    Args:
        field: its full name.
        roles: NOTHING, MASKED, READ or BOTH, by role, of a caller who has no other.

    """

    field: str
    roles: Mapping[str, str]


def column_rows(schema: Schema) -> Sequence[ColumnRow]:
    """Return who may read and write each column that isn't everybody's."""
    limited = [
        (one, field) for one in schema.resources.values() for field in one.fields if _is_limited(field)
    ]
    named = {role for _, field in limited for role in (*field.access.read, *field.access.write)}
    roles = with_own(named)
    return [
        ColumnRow(field.descriptor.full_name, {role: _answer(one, field, role) for role in roles})
        for one, field in limited
    ]


def row_rules_of(schema: Schema) -> Mapping[str, Mapping[str, str]]:
    """Return the rules of the tables that have some, by message: what each is for, and its filter."""
    return {
        name: {use: rule or _NOBODY for use, rule in asdict(resource.policy).items()}
        for name, resource in schema.resources.items()
        if resource.policy is not None
    }


def presets_of(schema: Schema) -> Mapping[str, Mapping[str, str]]:
    """Return what is written of callers, by the field's full name: by which changes, and what."""
    return {
        field.descriptor.full_name: {use: value for use, value in asdict(field.preset).items() if value}
        for resource in schema.resources.values()
        for field in resource.fields
        if field.preset is not None
    }


def bypassing(schema: Schema) -> Sequence[str]:
    """Return the full names of the methods whose queries no policy of a table holds in."""
    methods = (method for service in schema.services.values() for method in service.methods)
    return [one.full_name for one in methods if isinstance(one, SqlMethod) and one.bypasses_policies]


def tables_as_json(schema: Schema) -> dict[str, Any]:
    """Return all of it as JSON has it."""
    columns = [{"column": row.field, "roles": dict(row.roles)} for row in column_rows(schema)]
    rows = {name: dict(rules) for name, rules in row_rules_of(schema).items()}
    presets = [{"column": name, "preset": dict(found)} for name, found in presets_of(schema).items()]
    return {"rows": rows, "columns": columns, "presets": presets, "bypass": list(bypassing(schema))}


def tables_as_lines(schema: Schema) -> list[str]:
    """Return all of it as tables, each behind an empty line; nothing where there is none."""
    columns, presets, rules = column_rows(schema), presets_of(schema), row_rules_of(schema)
    lines = []
    if columns:
        lines += [
            "",
            *aligned([["column", *columns[0].roles], *([row.field, *row.roles.values()] for row in columns)]),
        ]
    if presets:
        uses = [[name, use, value] for name, found in presets.items() for use, value in found.items()]
        lines += ["", *aligned([["column", "set by", "to"], *uses])]
    if rules:
        uses = [[name, use, rule] for name, found in rules.items() for use, rule in found.items()]
        lines += ["", *aligned([["rows of", "may be", "where"], *uses])]
    if methods := bypassing(schema):
        lines += ["", "in queries of these, rules, columns and presets don't hold", *methods]
    return lines


def aligned(table: Sequence[Sequence[str]]) -> list[str]:
    """Return lines whose cells stand below each other."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return ["  ".join(map(str.ljust, cells, widths)).rstrip() for cells in table]


def _is_limited(field: Field) -> bool:
    return bool(field.access.read or field.access.write)


def _answer(resource: Resource, field: Field, role: str) -> str:
    limits = limits_of(resource, held_with(role))
    if field.name in limits.hidden:
        return NOTHING
    if field.name in limits.masked:
        return MASKED
    return READ if field.name in limits.read_only else BOTH
