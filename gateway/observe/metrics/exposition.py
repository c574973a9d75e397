"""The text that a scrape reads: OpenMetrics, written by prometheus_client."""

from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from gateway.observe.metrics.catalogue import CATALOGUE
from gateway.observe.metrics.figures import Distribution, Figures, Labels, Metric, Value

CONTENT_TYPE = CONTENT_TYPE_LATEST


def exposition(figures: Figures) -> bytes:
    """Return the figures as OpenMetrics text, in the catalogue's order; raises KeyError for unknown ones."""
    registry = CollectorRegistry()
    registry.register(_Figures(figures))
    return bytes(generate_latest(registry))  # type: ignore[no-untyped-call]  # its own parameters have no types


class _Figures(Collector):
    def __init__(self, figures: Figures) -> None:
        self._families = [_family(CATALOGUE[name], values) for name, values in _ordered(figures)]

    def collect(self) -> Iterator[Family]:
        yield from self._families


def _ordered(figures: Figures) -> Sequence[tuple[str, dict[Labels, Value]]]:
    places = {name: place for place, name in enumerate(CATALOGUE)}
    return [(name, dict(figures[name])) for name in sorted(figures, key=places.__getitem__)]


def _family(metric: Metric, values: dict[Labels, Value]) -> Family:
    if metric.kind == "histogram":
        return _histogram(metric, values)
    make = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family = make(metric.name, metric.about, labels=metric.labels)
    for labels, value in values.items():
        if isinstance(value, Distribution):
            raise TypeError(f"{metric.name} is a histogram here")
        family.add_metric(labels, value)
    return family


def _histogram(metric: Metric, values: dict[Labels, Value]) -> HistogramMetricFamily:
    family = HistogramMetricFamily(metric.name, metric.about, labels=metric.labels)
    for labels, value in values.items():
        if not isinstance(value, Distribution):
            raise TypeError(f"{metric.name} is no histogram here")
        family.add_metric(labels, _buckets(value), value.total)
    return family


def _buckets(value: Distribution) -> list[tuple[str, int]]:
    bounds = [*(f"{float(bound):g}" for bound in value.bounds), "+Inf"]
    return list(zip(bounds, accumulate(value.counts), strict=True))
