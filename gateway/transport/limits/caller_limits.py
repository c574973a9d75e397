"""The limits of one caller: how often it may call, and how many of its calls may be under way at once."""

from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from ipaddress import ip_address, ip_network
from math import ceil
from time import monotonic

from gateway.auth.principal import ANONYMOUS, Principal
from gateway.config.errors import ConfigDiagnostic, ConfigError
from gateway.config.settings import LimitSettings
from gateway.errors import ResourceExhausted
from gateway.errors.retry_delay import RetryDelay
from gateway.request.calls.bulkheads import UNKNOWN, Operation
from gateway.schema.diagnostics import near
from gateway.schema.model import MethodKind, TransactionKind
from gateway.schema.services.authored import KIND as AUTHORED
from gateway.schema.sql_method import KIND as SQL
from gateway.transport.exchange import Exchange

MAX_BUCKETS = 65_536
"""Callers that are remembered; beyond it those are forgotten that haven't called for longest."""
_FORGOTTEN = 2
"""At most so many full buckets are forgotten with each call: more than a call can add."""
_STEP = 0.05
"""Delays are told in such steps, so that the statuses of refusals can be kept."""
_EXACT = 1e-6
"""Seconds that sums of times may be off."""
_OF_ONE_SITE = 64
"""Bits of an IPv6 address that are one caller's: it has all the others to choose from."""


class CallerLimits:
    """Counts the calls of each caller: a principal, or an address where there is none.

    A bucket of tokens is kept as the time at which it is full again (the generic cell rate algorithm). A call
    that costs more than a bucket holds is let in by a full one.

    Args:
        limits: the rate, what a bucket holds, and the calls that may be under way; 0 bounds nothing.
        operations: what each method does, by its path.
        clock: tells the time, in seconds.

    """

    def __init__(
        self,
        limits: LimitSettings,
        operations: Mapping[str, Operation],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._rate, self._most = limits.caller_rate, limits.caller_in_flight
        self._burst = burst_of(limits)
        self._weights = weights_of(limits)
        self._operations = operations
        self._clock = clock
        self._full_at: OrderedDict[str, float] = OrderedDict()
        """When each bucket that isn't full is; the one that was last drawn from is the last."""
        self._held: dict[Exchange, str] = {}
        self._in_flight: Counter[str] = Counter()
        self._retry_delay = RetryDelay()

    @classmethod
    def of(cls, limits: LimitSettings, operations: Mapping[str, Operation]) -> "CallerLimits | None":
        """Return what the settings ask for, None for nothing; raises ConfigError."""
        weights_of(limits)
        return cls(limits, operations) if limits.caller_rate or limits.caller_in_flight else None

    def __len__(self) -> int:
        """How many buckets are kept."""
        return len(self._full_at)

    def enter(self, exchange: Exchange) -> None:
        """Let a call in, until `leave`; raises ResourceExhausted. Its caller has to be known."""
        caller = caller_of(exchange)
        if self._most:
            if self._in_flight[caller] >= self._most:
                raise self._too_many()
            self._draw(caller, exchange.path)
            self._held[exchange] = caller
            self._in_flight[caller] += 1
        else:
            self._draw(caller, exchange.path)

    def leave(self, exchange: Exchange) -> None:
        """Note the end of a call; of one that wasn't let in nothing."""
        caller = self._held.pop(exchange, None)
        if caller is not None:
            self._in_flight[caller] -= 1
            if not self._in_flight[caller]:
                del self._in_flight[caller]

    def draw(self, principal: Principal, peer: str, paths: Sequence[str], whole: str = "") -> None:
        """Count steps, which are under way in the place of their transaction; raises ResourceExhausted.

        Args:
            principal: who calls.
            peer: the other end of its connection.
            paths: of the steps' methods, which are let in together.
            whole: the path of what they are steps of, where that was counted just before: both together may
                take more than a bucket holds.

        """
        self._draw(_caller(principal, peer), *paths, whole=whole)

    def _draw(self, caller: str, *paths: str, whole: str = "") -> None:
        if not self._rate:
            return
        weight, now = sum(map(self._weight, paths)), self._clock()
        drawn = self._weight(whole) if whole else 0
        full_at = max(self._full_at.get(caller, now), now) + weight / self._rate
        late = full_at - now - max(weight + drawn, self._burst) / self._rate
        if late > _EXACT:
            # The whole is counted once more when it is sent again.
            raise self._too_often(weight + drawn, late + drawn / self._rate)
        self._full_at[caller] = full_at
        self._full_at.move_to_end(caller)
        self._forget(now)

    def _weight(self, path: str) -> int:
        return self._weights.get(self._operations.get(path, UNKNOWN).kind, 1)

    def _forget(self, now: float) -> None:
        for _ in range(_FORGOTTEN):
            caller, full_at = next(iter(self._full_at.items()))
            if full_at > now and len(self._full_at) <= MAX_BUCKETS:
                return
            del self._full_at[caller]
            if not self._full_at:
                return

    def _too_many(self) -> ResourceExhausted:
        return ResourceExhausted(
            f"the caller has its limit of {self._most} calls in flight",
            reason="TOO_MANY_CALLS_OF_CALLER",
            metadata={"limit": str(self._most)},
            retry_delay=self._retry_delay(),
        )

    def _too_often(self, weight: int, late: float) -> ResourceExhausted:
        limits = {"limit_per_second": str(self._rate), "burst": str(self._burst), "weight": str(weight)}
        return ResourceExhausted(
            f"the caller calls more often than its limit of {self._rate} a second",
            reason="RATE_LIMITED",
            metadata=limits,
            retry_delay=_STEP * ceil((late - _EXACT) / _STEP),
        )


def burst_of(limits: LimitSettings) -> int:
    """Return what a caller's bucket holds."""
    return limits.caller_burst or limits.caller_rate


def weights_of(limits: LimitSettings) -> Mapping[str, int]:
    """Return what calls cost, by the kind of their method; raises ConfigError for an unknown kind."""
    weights = dict(one.split("=") for one in limits.caller_weights)
    known = [*(kind.name for kind in (*MethodKind, *TransactionKind)), SQL, AUTHORED]
    wrong = [
        ConfigDiagnostic("limits.caller_weights", "settings", f"there is no kind {kind}", near(kind, known))
        for kind in weights
        if kind not in known
    ]
    if wrong:
        raise ConfigError(wrong)
    return {kind: int(weight) for kind, weight in weights.items()}


def caller_of(exchange: Exchange) -> str:
    """Return who is limited: the principal, by name, or the address of who brings no credential."""
    return _caller(exchange.identified(), exchange.record.peer)


def _caller(principal: Principal, peer: str) -> str:
    return address_of(peer) if principal is ANONYMOUS else principal.name


@lru_cache(4096)
def address_of(peer: str) -> str:
    """Return the host of a connection's other end, or its network where a host has many addresses.

    All who call over a Unix socket are one.
    """
    family, _, rest = peer.partition(":")
    if family not in ("ipv4", "ipv6"):
        return family
    host = rest.rpartition(":")[0].replace("%5B", "").replace("%5D", "").strip("[]")
    address = ip_address(host.partition("%")[0])
    if address.version == 4:  # noqa: PLR2004
        return f"ip:{address}"
    if address.ipv4_mapped is not None:
        return f"ip:{address.ipv4_mapped}"
    return f"ip:{ip_network((address, _OF_ONE_SITE), strict=False)}"
