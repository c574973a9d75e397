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
    Metric("rowgate_rows_total", "counter", "Rows that calls have sent or received.", _OF_METHOD),
    Metric(
        "rowgate_refusals_total",
        "counter",
        "Calls that ended with an error, by its reason (docs/errors.md): METHOD_NOT_ALLOWED and "
        "CREDENTIAL_REFUSED are those of policy.",
        ("grpc_code", "reason"),
    ),
)
SERVER = (
    Metric("rowgate_ready", "gauge", "1 where calls are taken and the database answers.", several=min),
    Metric("rowgate_workers", "gauge", "Processes that serve."),
    Metric("rowgate_connections", "gauge", "Connections of clients."),
)

CATALOGUE: Mapping[str, Metric] = {metric.name: metric for metric in (*CALLS, *SERVER)}
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
