"""How often one caller may call, and how many of its calls may be under way."""

from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from hypothesis import given
from hypothesis import strategies as st

from gateway.auth.principal import ANONYMOUS, Principal
from gateway.config.errors import ConfigError
from gateway.config.load import settings_of
from gateway.config.per_worker import divided
from gateway.errors import ResourceExhausted
from gateway.observe.call_record import CallRecord
from gateway.request.calls.bulkheads import Operation
from gateway.transport.exchange import Exchange
from gateway.transport.limits.caller_limits import MAX_BUCKETS, CallerLimits, address_of
from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.policy.keys import key_of

_OPERATIONS = {f"/{kind}": Operation("t", kind) for kind in ("GET", "LIST", "BULK_UPSERT")}
_ANN, _BOB = Principal("ann", "jwt"), Principal("bob", "jwt")


class _Time:
    """A clock that stands."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def _limits(clock: _Time, **settings: Any) -> CallerLimits:
    return CallerLimits(settings_of(**settings).limits, _OPERATIONS, clock)


def _call(path: str = "GET", caller: Principal = _ANN, peer: str = "ipv4:10.0.0.1:1") -> Exchange:
    return Exchange(b"", CallRecord(path, "id", peer), monotonic(), principal=caller)


def _refusal(limits: CallerLimits, call: Exchange) -> ResourceExhausted:
    with pytest.raises(ResourceExhausted) as caught:
        limits.enter(call)
    return caught.value


def test_a_bucket_lets_a_burst_in_and_then_the_rate() -> None:
    clock = _Time()
    limits = _limits(clock, caller_rate=10, caller_burst=3)
    for _ in range(3):
        limits.enter(_call())
    refused = _refusal(limits, _call())
    assert refused.reason == "RATE_LIMITED"
    assert refused.retry_delay == pytest.approx(0.1)
    assert refused.metadata == {"limit_per_second": "10", "burst": "3", "weight": "1"}
    assert "10 a second" in refused.message
    limits.enter(_call(caller=_BOB))
    clock.now += 0.1
    limits.enter(_call())
    _refusal(limits, _call())


@given(burst=st.integers(1, 40), steps=st.integers(1, 60), before=st.integers(0, 40))
def test_steps_are_let_in_together_after_the_delay_that_they_were_told(
    burst: int, steps: int, before: int
) -> None:
    clock = _Time()
    limits = _limits(clock, caller_rate=10, caller_burst=burst)
    with suppress(ResourceExhausted):
        for _ in range(before):
            limits.enter(_call())

    def waits() -> float:
        try:
            limits.enter(_call())
            limits.draw(_ANN, "", ["/GET"] * steps, "/GET")
        except ResourceExhausted as error:
            return error.retry_delay or 0
        return 0

    delays = [waits()]
    while delays[-1]:
        clock.now += delays[-1]
        delays.append(waits())
    assert len(delays) <= 3, "told at its arrival, then as its steps are counted, then let in"
    assert not _fits(limits, burst)


def _fits(limits: CallerLimits, calls: int) -> bool:
    with suppress(ResourceExhausted):
        for _ in range(calls):
            limits.enter(_call())
        return True
    return False


def test_methods_weigh_by_their_kind_and_more_than_a_bucket_holds_takes_a_full_one() -> None:
    clock = _Time()
    limits = _limits(clock, caller_rate=10, caller_weights="LIST=5,BULK_UPSERT=30")
    limits.enter(_call("LIST"))
    limits.enter(_call("LIST"))
    assert _refusal(limits, _call()).metadata["weight"] == "1"
    assert _refusal(limits, _call("BULK_UPSERT")).retry_delay == pytest.approx(1.0)
    clock.now += 1.0
    limits.enter(_call("BULK_UPSERT"))
    assert _refusal(limits, _call()).retry_delay == pytest.approx(2.1)
    clock.now += 3.0
    limits.enter(_call())


@given(st.lists(st.tuples(st.floats(0, 0.3), st.sampled_from(["GET", "LIST"])), max_size=60))
def test_no_more_is_let_in_than_burst_and_rate_allow(steps: list[tuple[float, str]]) -> None:
    clock, weighed = _Time(), {"GET": 1, "LIST": 2}
    limits = _limits(clock, caller_rate=10, caller_burst=4, caller_weights="LIST=2")
    begun, taken = clock.now, 0
    for wait, path in steps:
        clock.now += wait
        with suppress(ResourceExhausted):
            limits.enter(_call(path))
            taken += weighed[path]
        assert taken <= 4 + 10 * (clock.now - begun) + 1e-6


def test_a_refused_caller_who_comes_back_when_told_is_let_in() -> None:
    clock = _Time()
    limits = _limits(clock, caller_rate=7, caller_burst=1)
    for _ in range(50):
        limits.enter(_call())
        delay = _refusal(limits, _call()).retry_delay
        assert delay is not None
        clock.now += delay


def test_calls_under_way_are_counted_by_caller() -> None:
    limits = _limits(_Time(), caller_in_flight=2)
    calls = [_call(peer=f"ipv4:10.0.0.1:{port}") for port in range(3)]
    for one in calls[:2]:
        limits.enter(one)
    refused = _refusal(limits, calls[2])
    limits.leave(calls[2])
    assert (refused.reason, refused.metadata) == ("TOO_MANY_CALLS_OF_CALLER", {"limit": "2"})
    assert refused.retry_delay is not None
    limits.enter(_call(caller=_BOB))
    limits.leave(calls[0])
    limits.leave(calls[0])
    limits.enter(calls[2])
    _refusal(limits, _call())


def test_who_brings_no_credential_is_known_by_address() -> None:
    limits = _limits(_Time(), caller_in_flight=1)
    limits.enter(_call(caller=ANONYMOUS, peer="ipv4:10.0.0.1:1"))
    limits.enter(_call(caller=ANONYMOUS, peer="ipv4:10.0.0.2:1"))
    _refusal(limits, _call(caller=ANONYMOUS, peer="ipv4:10.0.0.1:2"))


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:10.0.0.1:5000", "ip:10.0.0.1"),
        ("ipv6:[2001:db8::1]:5000", "ip:2001:db8::/64"),
        ("ipv6:%5B2001:db8::ffff:1%5D:5000", "ip:2001:db8::/64"),
        ("ipv6:[fe80::1%eth0]:5000", "ip:fe80::/64"),
        ("ipv6:[::ffff:10.0.0.1]:5000", "ip:10.0.0.1"),
        ("unix:", "unix"),
        ("unix:17", "unix"),
        ("unknown", "unknown"),
        ("", ""),
    ],
)
def test_addresses_of_callers(peer: str, address: str) -> None:
    assert address_of(peer) == address


def test_full_buckets_are_forgotten_and_others_are_bounded_in_number() -> None:
    clock = _Time()
    limits = _limits(clock, caller_rate=1)
    for number in range(MAX_BUCKETS + 10):
        limits.enter(_call(caller=Principal(str(number), "jwt")))
    assert len(limits) == MAX_BUCKETS
    clock.now += 2
    for number in range(MAX_BUCKETS):
        limits.enter(_call(caller=Principal(f"n{number}", "jwt")))
        clock.now += 1.1
    assert len(limits) <= 2


def test_without_settings_nobody_is_limited() -> None:
    assert CallerLimits.of(settings_of().limits, _OPERATIONS) is None


def test_workers_divide_the_limits() -> None:
    whole = settings_of(caller_rate=101, caller_burst=7, caller_in_flight=0, workers=1)
    parts = [divided(whole, 2, place).limits for place in range(2)]
    assert [(one.caller_rate, one.caller_burst, one.caller_in_flight) for one in parts] == [
        (51, 4, 0),
        (50, 3, 0),
    ]


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match=r'limits.caller_weights .*no kind LISTS; did you mean "LIST"'):
        CallerLimits.of(settings_of(caller_weights="LISTS=3").limits, {})


async def test_a_refusal_says_the_limit_and_when_to_come_again(
    gateway_for: GatewayFor, transport: str, tmp_path: Path
) -> None:
    keys = tmp_path / "keys.json"
    callers = [(("authorization", key_of(keys, name, "reader")),) for name in ("ann", "bob")]
    settings = {
        "auth_providers": "api_key",
        "auth_api_keys": keys,
        "caller_rate": 1,
        "caller_weights": "GET=50",
    }
    gateway = await gateway_for("allowed", transport=transport, **settings)
    get = gateway.client.channel.unary_unary("/allowed.v1.SheetService/GetSheet")
    ended = []
    for metadata in (callers[0], callers[0], callers[1]):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await get(b"\x08\x01", metadata=metadata, timeout=30)
        ended.append(RpcFailed(caught.value))
    assert [one.reason for one in ended] == ["ROW_NOT_FOUND", "RATE_LIMITED", "ROW_NOT_FOUND"]
    assert ended[1].metadata == {"limit_per_second": "1", "burst": "1", "weight": "50"}
    (told,) = ended[1].details(RetryInfo)
    assert 40 < told.retry_delay.ToSeconds() <= 50
