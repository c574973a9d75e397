"""Foreign keys → references between tables that are served."""

from collections.abc import Mapping
from dataclasses import replace

from gateway.introspect.tables.table_records import Catalog, ForeignKey, Name
from gateway.proto_files.text import Message, ProtoMessage, Value, Word
from gateway.pull.earlier.committed import CommittedTable
from gateway.pull.resources import Resource
from gateway.pull.table_options import is_authors
from gateway.schema.types.sql_types import are_comparable


def with_references(
    resource: Resource, catalog: Catalog, known: Mapping[Name, Resource], old: CommittedTable
) -> ProtoMessage:
    """Return the message with the table's references to tables that are served, too.

    Args:
        resource: the table's.
        catalog: what the database holds.
        known: all that is served.
        old: the message as it stands.

    """
    single: dict[str, Value] = {}
    several: list[Message] = []
    keys = catalog.tables[resource.table].foreign_keys.values()
    for key in sorted(keys, key=lambda one: one.name):
        reference = _reference(key, resource, catalog, known)
        if reference is None:
            continue
        names = [resource.fields[column] for column in key.columns]
        if len(names) == 1 and names[0] not in single:
            single[names[0]] = reference
        else:
            several.append({"columns": names, "references": reference, "name": key.name})
    fields = [
        replace(one, options={**one.options, "references": single[one.name]}) if one.name in single else one
        for one in resource.message.fields
    ]
    table = catalog.tables[resource.table]
    said = [
        one
        for one in old.options.get("foreign_key", ())
        if one in several or is_authors(one["references"], table)
    ]
    listed = [*said, *(one for one in several if one not in said)]
    options = {**resource.message.table, **({"foreign_key": listed} if listed else {})}
    return replace(resource.message, fields=fields, table=options)


def _reference(
    key: ForeignKey, resource: Resource, catalog: Catalog, known: Mapping[Name, Resource]
) -> dict[str, Value] | None:
    """Return a foreign key as an option; None where it can't be one."""
    target = known.get(key.target)
    served = target is not None and set(key.target_columns) <= set(target.fields)
    if target is None or not served or not key.enforced or not set(key.columns) <= set(resource.fields):
        return None
    own, theirs = catalog.tables[resource.table].columns, catalog.tables[key.target].columns
    pairs = zip(key.columns, key.target_columns, strict=True)
    if not all(are_comparable(own[column].stored_type, theirs[other].stored_type) for column, other in pairs):
        return None
    same_schema = key.target.schema == resource.table.schema
    columns = [target.fields[column] for column in key.target_columns]
    return {
        "table": key.target.name if same_schema else str(key.target),
        **({"columns": columns} if tuple(key.target_columns) != tuple(target.key) else {}),
        **{
            option: Word(action.replace(" ", "_"))
            for option, action in (("on_delete", key.on_delete), ("on_update", key.on_update))
            if action != "NO ACTION"
        },
    }
