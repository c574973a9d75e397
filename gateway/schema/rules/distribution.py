"""Rules of tables that Citus spreads over nodes: what it can't hold.

https://docs.citusdata.com/en/stable/develop/reference_ddl.html, and its create_distributed_table.c and
foreign_constraint.c.
"""

from collections.abc import Mapping

from gateway.schema.diagnostics import suggestion
from gateway.schema.model import Action, Distribution, Field, ForeignKey, Relation, Resource
from gateway.schema.rules.finding import Finding, Findings
from gateway.schema.rules.references import place
from gateway.schema.types.sql_types import without_modifiers

_TYPES = frozenset(
    {
        *("smallint", "integer", "bigint", "text", "character varying", "uuid", "bytea", "date"),
        *("timestamp with time zone", "timestamp without time zone"),
    }
)
"""The types by which rows are spread: equal values have one form, and the same hash on every node."""
_SETTING = (Action.SET_NULL, Action.SET_DEFAULT)
_CHANGING = (*_SETTING, Action.CASCADE)
_Tables = Mapping[tuple[str, str], Resource]


def distribution_findings(resources: Mapping[str, Resource]) -> Findings:
    """Yield what is wrong with how tables are spread; nothing where none is."""
    tables = {(one.schema, one.table): one for one in resources.values()}
    if all(one.distribution is None for one in resources.values()):
        return
    for resource in resources.values():
        if resource.distribution is not None:
            yield from _whole_table(resource)
            if resource.distribution.column is not None:
                yield from _column(resource.by_column[resource.distribution.column])
                yield from _keys(resource, resource.distribution.column)
                yield from _colocated(resource, resource.distribution, tables)
        for key in resource.foreign_keys:
            target = tables.get((key.target_schema, key.target_table))
            if key.enforced and resource.managed and target is not None:
                yield from _reference(resource, key, target)
        for relation in resource.relations:
            yield from _relation(resource, relation, resources[relation.target])


def _whole_table(resource: Resource) -> Findings:
    if resource.partitions is not None:
        right = "leave one of them out"
        yield Finding(resource.message.full_name, "is spread over nodes, and by partition_by too", right)
    for field in resource.fields:
        if field.identity and resource.managed and field.type.sql != "bigint":
            wrong = f"is numbered as {field.type.sql}, and Citus numbers bigint alone"
            yield Finding(field.descriptor.full_name, wrong, "declare it int64")


def _column(field: Field) -> Findings:
    where = field.descriptor.full_name
    if without_modifiers(field.type.sql) not in _TYPES:
        right = "declare it string, bytes, a whole number, a Date, a Timestamp, or an enum without enum_type"
        yield Finding(where, f"is {field.type.sql}, by which distribute_by doesn't spread rows", right)
    if field.nullable:
        yield Finding(
            where, "may be NULL, but rows are distributed by it", "leave out optional, or set not_null"
        )
    if field.generated:
        yield Finding(
            where, "is computed by PostgreSQL, and Citus distributes no rows by such", "drop generated"
        )


def _keys(resource: Resource, column: str) -> Findings:
    """Each shard keeps its own keys unique, so a key has to say the shard."""
    indexes = [tuple(part.column for part in index.columns) for index in resource.indexes if index.unique]
    keys = {
        "primary_key": [resource.primary_key],
        "unique": [key.columns for key in resource.unique],
        "index": indexes,
    }
    name = resource.by_column[column].name
    for option, given in keys.items():
        for columns in given:
            if columns and column not in columns:
                wrong = f'{option}: lacks "{name}", by which the rows are distributed'
                right = "add it (no key is unique over shards otherwise), or make it a reference table"
                yield Finding(resource.message.full_name, wrong, right)


def _colocated(resource: Resource, distribution: Distribution, tables: _Tables) -> Findings:
    if distribution.colocate_with is None:
        return
    where, said = resource.message.full_name, ".".join(distribution.colocate_with)
    target = tables.get(distribution.colocate_with)
    if target is None:
        right = suggestion(distribution.colocate_with[1], [name for _, name in tables])
        yield Finding(where, f'colocate_with: unknown table "{said}"', right)
    elif target.distribution is None or target.distribution.column is None:
        yield Finding(
            where, f"colocate_with: {said} is not distributed by a field", "say distribute_by there"
        )
    elif distribution.group is None:
        yield Finding(where, f"colocate_with: {said} leads back to this table", "let one name no other")
    else:
        own, theirs = (
            resource.by_column[distribution.column or ""],
            target.by_column[target.distribution.column],
        )
        if without_modifiers(own.type.sql) != without_modifiers(theirs.type.sql):
            wrong = f'"{own.name}" is {own.type.sql}, but "{theirs.name}" of {said} is {theirs.type.sql}'
            yield Finding(where, f"colocate_with: {wrong}", "give both the same type")


def _reference(resource: Resource, key: ForeignKey, target: Resource) -> Findings:
    """Yield why Citus can't hold a foreign key: it compares rows of one node alone."""
    where, here, there = place(resource, key), resource.distribution, target.distribution
    if here is None and there is None:
        return
    if here is None or there is None:
        alone = resource if here is None else target
        wrong = f"references {target.table}, and {alone.table} is on the coordinator alone"
        yield Finding(where, wrong, f"make {alone.table} a reference table, or say enforced: false")
        return
    if here.column is None and there.column is not None:
        wrong = f"is of a reference table, and references {target.table}, which is distributed"
        yield Finding(where, wrong, f"distribute {resource.table} too, or say enforced: false")
    elif there.column is not None:
        yield from _between_shards(where, key, here, there, target.table)
    if here.column in key.columns and (key.on_delete in _SETTING or key.on_update in _CHANGING):
        wrong = f'changes "{here.column}", by which the rows are distributed'
        yield Finding(
            where, wrong, "let on_delete be CASCADE, RESTRICT or NO_ACTION, and on_update NO_ACTION"
        )


def _between_shards(
    where: str, key: ForeignKey, here: Distribution, there: Distribution, target: str
) -> Findings:
    if here.group != there.group:
        right = f'say colocate_with: "{target}", make it a reference table, or say enforced: false'
        yield Finding(where, f"references {target}, whose rows are on other nodes", right)
    elif not any(
        pair == (here.column, there.column) for pair in zip(key.columns, key.target_columns, strict=False)
    ):
        wrong = f'references {target} without "{here.column}" for its "{there.column}", which say the shard'
        yield Finding(where, wrong, "name both in a foreign_key of the table, or say enforced: false")


def _relation(resource: Resource, relation: Relation, target: Resource) -> Findings:
    """Yield why no statement joins a relation's rows: Citus does so node by node."""
    where, here, there = relation.descriptor.full_name, resource.distribution, target.distribution
    if here is None and there is None:
        return
    right = "leave the field out, and read the rows by themselves"
    if here is None or there is None:
        alone = resource if here is None else target
        wrong = f"holds rows of {target.table}, and {alone.table} is on the coordinator alone"
        yield Finding(where, wrong, f"make {alone.table} a reference table, or {right}")
    elif here.column is None and there.column is not None:
        wrong = f"holds rows of {target.table}, which is distributed, and its own table is a reference table"
        yield Finding(where, wrong, right)
    elif there.column is not None and not _is_of_one_shard(relation, here, there):
        wrong = f"holds rows of {target.table} that may be on other nodes"
        yield Finding(where, wrong, f'let it go by "{here.column}", of tables that are colocated, or {right}')


def _is_of_one_shard(relation: Relation, here: Distribution, there: Distribution) -> bool:
    pairs = zip(relation.columns, relation.references, strict=False)
    return here.group == there.group and any(pair == (here.column, there.column) for pair in pairs)
