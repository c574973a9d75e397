"""Observers: what counts, traces and watches calls and statements, as far as the settings ask for it."""

from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from gateway.admin.slow_calls import SlowCalls
from gateway.config.errors import ConfigDiagnostic, ConfigError
from gateway.config.settings import Settings
from gateway.db.statements.watch import StatementWatch
from gateway.introspect import DriftWatch
from gateway.observe.access_log import AccessLog
from gateway.observe.call_record import Observer
from gateway.observe.metrics.calls import CallMetrics
from gateway.transport.dispatch import Services

if TYPE_CHECKING:
    from gateway.observe.traces import Traces


def traces_of(settings: Settings, opened: AsyncExitStack) -> "Traces | None":
    """Return what traces calls; None without a collector. Raises ConfigError where the SDK is missing."""
    given = settings.traces
    if given.endpoint is None:
        return None
    try:
        from gateway.observe.traces import Traces  # noqa: PLC0415 - an extra, which few have
    except ImportError as error:
        wrong = f"OpenTelemetry isn't installed: {error}"
        raise ConfigError(
            [ConfigDiagnostic("traces.endpoint", given.endpoint, wrong, "pip install 'rowgate[otel]'")]
        ) from error
    traces = Traces(given.endpoint, given.sample_ratio, given.max_followed)
    opened.push_async_callback(traces.stop)
    return traces


def statement_watch(settings: Settings, traces: "Traces | None") -> StatementWatch | None:
    """Return what is told of statements; None where nobody wants to know."""
    log = settings.log
    if traces is None and settings.admin.listen is None and not (log.slow_statement or log.slow_call):
        return None
    return StatementWatch(traces, log.slow_statement)


def call_metrics(settings: Settings, services: Services) -> CallMetrics | None:
    """Return what counts calls; None where nobody can ask for it."""
    if settings.admin.listen is None:
        return None
    return CallMetrics(method.descriptor for methods in services.values() for method, _ in methods)


def observers(
    settings: Settings, drift_watch: DriftWatch, calls: CallMetrics | None, slow_calls: SlowCalls
) -> Iterator[Observer]:
    """Yield who is told of each call."""
    yield AccessLog(settings.log.access)
    yield drift_watch.observe
    if calls is not None:
        yield calls
    if settings.log.slow_call:
        yield slow_calls
