"""The catalogue of metrics: all that a scrape may name. docs/metrics.md is written from it."""

from collections.abc import Iterable, Mapping

from gateway.observe.metrics.figures import Figures, Labels, Metric, Value

_METHOD = ("grpc_type", "grpc_service", "grpc_method")
_OF_METHOD = ("grpc_service", "grpc_method")

CALLS = (
    Metric("grpc_server_started_total", "counter", "Calls that have arrived.", _METHOD),
    Metric("grpc_server_handled_total", "counter", "Calls that have ended.", (*_METHOD, "grpc_code")),
    Metric("grpc_server_handling_seconds", "histogram", "Time from a call's arrival to its answer.", _METHOD),
    Metric("rowgate_calls_in_flight", "gauge", "Calls under way.", _OF_METHOD),
    Metric("rowgate_request_bytes", "histogram", "Sizes of requests.", _OF_METHOD),
    Metric("rowgate_response_bytes", "histogram", "Sizes of responses.", _OF_METHOD),
    Metric("rowgate_rows_total", "counter", "Rows of lists, batches, streams and bulk calls.", _OF_METHOD),
    Metric(
        "rowgate_refusals_total",
        "counter",
        "Calls that ended with an error, by its reason (docs/errors.md): CALL_NOT_ALLOWED and "
        "CREDENTIAL_REFUSED are those of policy.",
        ("grpc_code", "reason"),
    ),
)
SERVER = (
    Metric(
        "rowgate_ready",
        "gauge",
        "1 where calls are taken and the database answers; 0 also where no worker tells.",
        several=min,
    ),
    Metric("rowgate_workers", "gauge", "Processes that serve, and tell their figures within 2 s."),
    Metric("rowgate_connections", "gauge", "Connections of clients."),
    Metric(
        "rowgate_tls_certificate_expiry_timestamp_seconds",
        "gauge",
        "When the server's certificate expires, or one of its chain, in seconds since 1970.",
        several=min,
    ),
    Metric("rowgate_response_memory_bytes", "gauge", "Bytes of responses that clients haven't taken yet."),
    Metric(
        "rowgate_event_loop_lag_seconds",
        "histogram",
        "How late the event loop comes to what is due, looked at each 20 ms while calls are under way.",
    ),
    Metric("rowgate_calls_waiting", "gauge", "Calls that wait for the processor to begin."),
)
DATABASE = (
    Metric(
        "db_client_connection_count", "gauge", "Connections to the database.", ("db_client_connection_state",)
    ),
    Metric("db_client_connection_max", "gauge", "Connections to the database that there may be."),
    Metric("db_client_connection_pending_requests", "gauge", "Calls that wait for a connection."),
    Metric("db_client_connection_timeouts_total", "counter", "Calls that got no connection, or not in time."),
    Metric("db_client_connection_wait_time_seconds", "histogram", "How long calls waited for a connection."),
    Metric("db_client_connection_create_time_seconds", "histogram", "How long it took to connect."),
    Metric("rowgate_connection_failures_total", "counter", "Connections to the database that failed."),
    Metric(
        "db_client_operation_duration_seconds",
        "histogram",
        "Time from sending a statement to its rows, of a stream each slice of them.",
        ("db_query_summary",),
    ),
    Metric("rowgate_retries_total", "counter", "Attempts that were made again after a failure that passes."),
    Metric("rowgate_cursors", "gauge", "Streams that read, each with a connection."),
    Metric("rowgate_sessions", "gauge", "Sessions that are open, each with a connection."),
)
BATCHES = (
    Metric("rowgate_batches_total", "counter", "Statements that calls could share.", ("statement",)),
    Metric(
        "rowgate_batch_calls_total",
        "counter",
        "Calls that statements answered which they could share.",
        ("statement",),
    ),
    Metric(
        "rowgate_batch_alone_total",
        "counter",
        "Of those calls, those that found nothing to share.",
        ("statement",),
    ),
    Metric("rowgate_batch_size", "histogram", "Calls that shared a statement.", ("statement",)),
    Metric(
        "rowgate_batch_wait_seconds_total",
        "counter",
        "The longest wait of each batch's calls, added up: by `rowgate_batches_total` it is the mean.",
        ("statement",),
    ),
    Metric(
        "rowgate_batches_divided_total",
        "counter",
        "Batches that failed for one of their calls, and were divided.",
        ("statement",),
    ),
)
REPLICAS = (
    Metric("rowgate_replica_up", "gauge", "1 where reads are sent to a replica.", ("replica",), several=min),
    Metric(
        "rowgate_replica_behind_seconds",
        "gauge",
        "For how long the primary has been past what a replica has replayed, to a quarter of a second.",
        ("replica",),
        several=max,
    ),
    Metric(
        "rowgate_replica_reads_total",
        "counter",
        "Reads that were sent to a replica: those that it answered, and those that it was behind for or that "
        "failed there, which went to the primary.",
        ("replica", "outcome"),
    ),
    Metric(
        "rowgate_primary_reads_total", "counter", "Reads that a replica might have answered, and none did."
    ),
)
CACHE = (
    Metric("rowgate_cache_hits_total", "counter", "Reads that were answered with a kept row.", ("table",)),
    Metric(
        "rowgate_cache_misses_total",
        "counter",
        "Reads that a kept row might have answered, and none did: those of the primary are not counted.",
        ("table",),
    ),
    Metric("rowgate_cache_dropped_total", "counter", "Kept rows that gave way to others, for want of room."),
    Metric("rowgate_cache_rows", "gauge", "Rows that are kept; each way to read one counts."),
    Metric("rowgate_cache_bytes", "gauge", "Memory of the rows that are kept, about."),
    Metric(
        "rowgate_shared_cache_up",
        "gauge",
        "1 while the Redis or Valkey of `cache.url` answers, to the worker that it is least well with.",
        several=min,
    ),
    Metric(
        "rowgate_shared_cache_failures_total",
        "counter",
        "Connections to it that were lost, as it didn't answer in time, or that couldn't be made.",
    ),
    Metric(
        "rowgate_shared_cache_hits_total",
        "counter",
        "Reads that were answered with a row from there.",
        ("table",),
    ),
    Metric(
        "rowgate_shared_cache_misses_total",
        "counter",
        "Reads that weren't kept here, and that no row from there answered.",
        ("table",),
    ),
    Metric(
        "rowgate_shared_cache_changes_heard_total",
        "counter",
        "Changes that other gateways, or workers, have told of there.",
    ),
    Metric(
        "rowgate_shared_cache_fills_total",
        "counter",
        "Rows that were sent there: those that are kept, and those that were refused, as they may have been "
        "changed meanwhile or there was no room.",
        ("outcome",),
    ),
)
PROCESS = (
    Metric("process_cpu_seconds_total", "counter", "Time on processors, of all workers."),
    Metric(
        "process_resident_memory_bytes", "gauge", "Memory that is resident, of all workers; some is shared."
    ),
    Metric(
        "process_start_time_seconds",
        "gauge",
        "When the first worker began, in seconds since 1970.",
        several=min,
    ),
)

CATALOGUE: Mapping[str, Metric] = {
    metric.name: metric for metric in (*CALLS, *SERVER, *DATABASE, *BATCHES, *REPLICAS, *CACHE, *PROCESS)
}
"""All of them, by name."""


def together(parts: Iterable[Figures]) -> Figures:
    """Return the figures of several processes as one process's."""
    added: dict[str, dict[Labels, Value]] = {}
    for part in parts:
        for name, values in part.items():
            metric, sums = CATALOGUE[name], added.setdefault(name, {})
            for labels, value in values.items():
                sums[labels] = metric.together(sums[labels], value) if labels in sums else value
    return added


def cumulative(figures: Figures) -> Figures:
    """Return those that outlive their worker: a sum that fell would be taken for a new start."""
    return {name: values for name, values in figures.items() if CATALOGUE[name].is_cumulative}
