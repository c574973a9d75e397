"""Rules of `partition_by`: what PostgreSQL can divide, and tables that are each somebody's alone."""

from collections import Counter
from collections.abc import Mapping

from gateway.schema.model import Field, Partitions, Resource
from gateway.schema.resources.partitions import KINDS
from gateway.schema.rules.finding import Finding, Findings
from gateway.schema.tables.naming import MAX_BYTES


def partition_findings(resources: Mapping[str, Resource]) -> Findings:
    """Yield what is wrong with the tables that resources are divided into."""
    tables = Counter((resource.schema, resource.table) for resource in resources.values())
    for resource in resources.values():
        for part in resource.partitions.tables if resource.partitions is not None else ():
            tables[part.schema, part.table] += 1
    for resource in resources.values():
        if resource.partitions is not None:
            field = resource.by_column[resource.partitions.column]
            yield from _keys(resource, field)
            if field.type.kind in KINDS and not field.type.text_cast:
                yield from _tables(resource, resource.partitions, tables)
            yield from _field(field)


def _field(field: Field) -> Findings:
    where = field.descriptor.full_name
    if field.type.kind not in KINDS or field.type.text_cast:
        right = "declare it string, an enum, or a whole number"
        yield Finding(where, f"is {field.type.sql}, by which partition_by can't list values", right)
    if field.generated:
        yield Finding(where, "is computed by PostgreSQL, which divides no table by it", "drop generated")


def _keys(resource: Resource, field: Field) -> Findings:
    """PostgreSQL keeps a key unique within a partition alone, unless it says the partition."""
    unique = [key.columns for key in resource.unique]
    indexes = [tuple(part.column for part in index.columns) for index in resource.indexes if index.unique]
    keys = {"primary_key": [resource.primary_key], "unique": unique, "index": indexes}
    for option, given in keys.items():
        for columns in given:
            if columns and field.column not in columns:
                wrong = f'{option}: lacks "{field.name}", by which the rows are in several tables'
                right = "add it: no key is unique over several tables otherwise"
                yield Finding(resource.message.full_name, wrong, right)


def _tables(resource: Resource, partitions: Partitions, tables: Mapping[tuple[str, str], int]) -> Findings:
    where = resource.message.full_name
    if not partitions.tables:
        yield Finding(where, "partition_by names no tables", "say table, with its values")
    values = Counter(value for part in partitions.tables for value in part.values)
    for value in sorted(value for value, times in values.items() if times > 1):
        yield Finding(where, f'partition_by: "{value}" has two tables', "name it once")
    for part in partitions.tables:
        place = f'"{part.schema}.{part.table}"'
        if not part.values:
            yield Finding(where, f"partition_by: {place} has no value", "say value")
        if tables[part.schema, part.table] > 1:
            yield Finding(where, f"partition_by: {place} is the name of another table too", "say name")
        if max(len(part.table.encode()), len(part.schema.encode())) > MAX_BYTES:
            right = f"PostgreSQL keeps {MAX_BYTES} bytes of a name"
            yield Finding(where, f"partition_by: {place} is too long a name", right)
