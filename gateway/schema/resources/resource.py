"""An annotated message → Resource: its fields, keys, indexes, checks and references."""

from google.protobuf.descriptor import Descriptor
from rowgate.v1 import annotations_pb2
from rowgate.v1.annotations_pb2 import TableOptions

from gateway.schema.diagnostics import Diagnostics
from gateway.schema.model import Audit, Resource, TablePolicy
from gateway.schema.protos.options import table_options
from gateway.schema.resources.distribution import read_distribution
from gateway.schema.resources.fields import not_stored, read_fields
from gateway.schema.resources.keys import TableReader
from gateway.schema.resources.partitions import read_partitions, with_known_values
from gateway.schema.resources.search import SearchReader
from gateway.schema.tables.naming import snake_case

_MOST_CACHED = 3600.0
_AUDITS = {annotations_pb2.AUDIT_ROWS: Audit.ROWS, annotations_pb2.AUDIT_LOG: Audit.LOG}


def read_resource(message: Descriptor, diagnostics: Diagnostics) -> Resource:
    """Return the message's resource, as far as it can be read; what is wrong goes to `diagnostics`."""
    options = table_options(message.full_name, diagnostics)
    fields = read_fields(message, options, diagnostics)
    schema, name = options.schema or "public", options.name or snake_case(message.name)
    table = TableReader(message, schema, name, fields, diagnostics, not_stored(options))
    partitions = read_partitions(table, options)
    searching = SearchReader(message.full_name, name, fields, diagnostics)
    search = searching.read(options.search)
    return Resource(
        message=message,
        schema=schema,
        table=name,
        fields=with_known_values(fields, partitions),
        primary_key=table.columns(options.primary_key, "primary_key"),
        unique=table.unique(options.unique),
        indexes=(*table.indexes(options.index), *searching.indexes(options.search, search)),
        checks=table.checks(options.check),
        foreign_keys=table.foreign_keys(options.foreign_key),
        version=table.column(options.version, "version"),
        created_at=table.column(options.created_at, "created_at"),
        updated_at=table.column(options.updated_at, "updated_at"),
        soft_delete=table.column(options.soft_delete, "soft_delete"),
        etag=options.etag or None,
        unreadable=options.unreadable or None,
        policy=_policy(options) if options.HasField("policy") else None,
        search=search,
        audit=_AUDITS.get(options.audit, Audit.NOTHING),
        partitions=partitions,
        distribution=read_distribution(table, options),
        cache_seconds=_cache_seconds(message, options, diagnostics),
        comment=diagnostics.elements[message.full_name].comment,
        managed=options.managed if options.HasField("managed") else True,
        line=diagnostics.elements[message.full_name].line,
    )


def _cache_seconds(message: Descriptor, options: TableOptions, diagnostics: Diagnostics) -> float:
    if not options.HasField("cache"):
        return 0.0
    seconds = options.cache.ttl.ToTimedelta().total_seconds()
    if not 0 < seconds <= _MOST_CACHED:
        diagnostics.add(
            message.full_name, "cache.ttl is none", "give it more than 0 and at most 3600 seconds"
        )
    return seconds


def _policy(options: TableOptions) -> TablePolicy:
    given = options.policy
    changed = given.update_check or given.update
    return TablePolicy(given.read, given.create, given.update, changed, given.delete)
