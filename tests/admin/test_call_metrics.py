"""The counting of calls, and what a scrape has to write of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.observe.call_record import CallRecord
from gateway.observe.metrics.calls import CallMetrics
from gateway.observe.metrics.catalogue import cumulative, together
from gateway.observe.metrics.exposition import exposition
from gateway.observe.metrics.figures import SECONDS, Distribution, Figures
from tests.harness.gateway import schema_of


def counted(*calls: CallRecord) -> Figures:
    """Return the figures of the ledger's methods after some calls."""
    methods = [method for service in schema_of("ledger").services.values() for method in service.methods]
    metrics = CallMetrics(method.descriptor for method in methods)
    for call in calls:
        metrics(call)
    return metrics.figures([])


def call(code: int = 0, duration: float = 0.001) -> CallRecord:
    """Return the record of a call."""
    reason = "ROW_NOT_FOUND" if code else ""
    return CallRecord(
        "ledger.v1.AccountService/GetAccount", "id", code=code, reason=reason, duration=duration
    )


def test_methods_that_nobody_called_take_no_place() -> None:
    assert b"ledger" not in exposition(counted())
    text = exposition(counted(call()))
    assert b"GetAccount" in text
    assert b"ListAccounts" not in text


def test_a_call_is_in_the_bucket_of_the_first_bound_that_it_does_not_pass() -> None:
    figures = counted(call(duration=0.001), call(duration=0.0011), call(duration=100.0))
    (seconds,) = figures["grpc_server_handling_seconds"].values()
    assert isinstance(seconds, Distribution)
    assert seconds.counts[1] == seconds.counts[2] == seconds.counts[-1] == 1
    lines = exposition(figures).decode().splitlines()
    buckets = [line for line in lines if line.startswith("grpc_server_handling_seconds_bucket")]
    assert [float(line.rpartition(" ")[2]) for line in buckets] == [0, 1, *[2] * 13, 3]
    assert 'le="0.001"' in buckets[1]
    assert 'le="+Inf"' in buckets[-1]


@given(st.lists(st.sampled_from([0.0, 0.0005, 0.00051, 0.1, 29.9, 30.0, 31.0]) | st.floats(0, 40)))
def test_many_values_are_counted_as_one_by_one(values: list[float]) -> None:
    together, alone = Distribution(SECONDS), Distribution(SECONDS)
    together.add_all(values)
    for value in values:
        alone.add(value)
    assert together.counts == alone.counts
    assert together.total == pytest.approx(alone.total)


def test_every_call_is_counted_whenever_figures_are_asked_for() -> None:
    methods = [method for service in schema_of("ledger").services.values() for method in service.methods]
    metrics = CallMetrics(method.descriptor for method in methods)
    for number in range(1, 1001):
        metrics(call())
        if number % 97 == 0 or number == 1000:
            assert sum(metrics.figures([])["grpc_server_handled_total"].values()) == number


def test_figures_of_several_are_added_and_those_that_count_on_outlive_their_worker() -> None:
    one, other = counted(call(), call(5)), counted(call(5))
    gone = cumulative(other)
    assert "rowgate_calls_in_flight" not in gone
    added = together([one, gone])
    codes = {labels[-1]: value for labels, value in added["grpc_server_handled_total"].items()}
    assert codes == {"OK": 1, "NOT_FOUND": 2}
    (seconds,) = added["grpc_server_handling_seconds"].values()
    assert isinstance(seconds, Distribution)
    assert sum(seconds.counts) == 3
    (before,) = one["grpc_server_handling_seconds"].values()
    assert isinstance(before, Distribution)
    assert sum(before.counts) == 2  # what was told before isn't changed by the sum


def test_a_gauge_of_several_is_what_operators_ask_for() -> None:
    figures: list[Figures] = [
        {"rowgate_ready": {(): ready}, "rowgate_workers": {(): 1.0}} for ready in (1.0, 0.0)
    ]
    assert together(figures) == {"rowgate_ready": {(): 0.0}, "rowgate_workers": {(): 2.0}}
