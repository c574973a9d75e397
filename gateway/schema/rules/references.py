"""Rules of foreign keys: what they refer to is there, unique, and of the same types."""

from collections.abc import Mapping, Sequence

from gateway.schema.diagnostics import suggestion
from gateway.schema.model import Action, ForeignKey, Resource
from gateway.schema.rules.finding import Finding, Findings
from gateway.schema.types.sql_types import are_comparable


def reference_findings(resource: Resource, resources: Mapping[str, Resource]) -> Findings:
    """Yield what is wrong with the resource's references, whose target columns are settled."""
    tables = {(one.schema, one.table): one for one in resources.values()}
    for key in resource.foreign_keys:
        where = place(resource, key)
        target = tables.get((key.target_schema, key.target_table))
        enforced = key.enforced and resource.managed
        if target is not None:
            yield from _target(where, resource, key, target, enforced=enforced)
        elif enforced or not key.target_table:
            yield from _unknown(where, key, list(tables))
        if resource.managed and Action.SET_NULL in (key.on_delete, key.on_update):
            yield from _set_null(where, resource, key)


def place(resource: Resource, key: ForeignKey) -> str:
    """Return the full name of the element that a diagnostic of the reference is noted at."""
    if len(key.columns) == 1:
        return str(resource.by_column[key.columns[0]].descriptor.full_name)
    return str(resource.message.full_name)


def _unknown(where: str, key: ForeignKey, tables: Sequence[tuple[str, str]]) -> Findings:
    if not key.target_table:
        yield Finding(where, "references no table", 'say references: {table: "…"}')
        return
    right = suggestion(key.target_table, [name for _, name in tables])
    wrong = f'references the unknown table "{key.target_schema}.{key.target_table}"'
    yield Finding(where, wrong, f"{right} (enforced: false lets it stand outside the schema)")


def _target(where: str, resource: Resource, key: ForeignKey, target: Resource, *, enforced: bool) -> Findings:
    wanted = key.target_columns
    missing = [column for column in wanted if column not in target.by_column]
    for column in missing:
        names = [field.name for field in target.fields]
        yield Finding(
            where, f'references the unknown column "{column}" of {target.table}', suggestion(column, names)
        )
    if missing:
        return
    if len(wanted) != len(key.columns):
        wrong = f"has {len(key.columns)} columns, but references {len(wanted)} of {target.table}"
        yield Finding(where, wrong, f"name as many: {', '.join(wanted)}")
        return
    if enforced and not _is_unique(target, wanted):
        right = "reference the primary key or a unique key"
        yield Finding(where, f"references {', '.join(wanted)} of {target.table}, which is not unique", right)
    for column, other in zip(key.columns, wanted, strict=True):
        yield from _same_type(where, resource, column, target, other)


def _is_unique(target: Resource, columns: Sequence[str]) -> bool:
    keys = [target.primary_key, *(key.columns for key in target.unique)]
    return any(sorted(key) == sorted(columns) for key in keys)


def _same_type(where: str, resource: Resource, column: str, target: Resource, other: str) -> Findings:
    own, theirs = resource.by_column[column].type.sql, target.by_column[other].type.sql
    if not are_comparable(own, theirs):
        wrong = f'"{column}" is {own}, but {target.table}.{other}, which it references, is {theirs}'
        yield Finding(where, wrong, "give both the same type")


def _set_null(where: str, resource: Resource, key: ForeignKey) -> Findings:
    fixed = [column for column in key.columns if not resource.by_column[column].nullable]
    if fixed:
        yield Finding(where, f"SET NULL on {', '.join(fixed)}, which can't be NULL", "make it optional")
