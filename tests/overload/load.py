"""Loads of calls that wait for no answer before the next (open loop), and what became of them."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Self

import grpc
import grpc.aio
from google.rpc import error_details_pb2, status_pb2

_CHANNEL: Sequence[tuple[str, int]] = (("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0))


WAITED = ("came free", "answered it", "had more calls")
"""Words of refusals of calls that have waited, and were dropped from their queue."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A call that has ended.

    Args:
        begun: when it was made, by time.monotonic.
        seconds: how long it took.
        deadline: seconds that its caller gave it.
        code: its status.
        retry_after: RetryInfo's delay; None without.
        message: what it was told.
        sent: when it left the client, where that is known, by time.monotonic.
        answered: when its answer came to the client's socket.

    """

    begun: float
    seconds: float
    deadline: float
    code: grpc.StatusCode
    retry_after: float | None
    message: str = ""
    sent: float = 0.0
    answered: float = 0.0

    @property
    def at_server(self) -> float:
        """How long it took without what the client is late itself, where that is known."""
        return self.answered - self.sent if self.sent else self.seconds

    @property
    def succeeded(self) -> bool:
        """Whether it was answered."""
        return self.code is grpc.StatusCode.OK

    @property
    def refused(self) -> bool:
        """Whether it was told to come again later."""
        return self.code is grpc.StatusCode.RESOURCE_EXHAUSTED

    @property
    def dropped(self) -> bool:
        """Whether it was told so after it had waited."""
        return self.refused and any(words in self.message for words in WAITED)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a load.

    Args:
        seconds: that it lasted.
        calls: all of its calls.

    """

    seconds: float
    calls: Sequence[Ended] = field(repr=False)

    @property
    def goodput(self) -> float:
        """Calls a second that were answered in time."""
        return sum(call.succeeded for call in self.calls) / self.seconds

    @property
    def codes(self) -> Counter[str]:
        """How many calls ended how."""
        return Counter(call.code.name for call in self.calls)

    @property
    def messages(self) -> Counter[str]:
        """What calls that were not answered were told, and how many."""
        return Counter(call.message for call in self.calls if not call.succeeded)

    def within(self, begin: float, end: float) -> "Outcome":
        """Return what became of the calls made between two seconds of it."""
        first = min(call.begun for call in self.calls)
        made = [call for call in self.calls if begin <= call.begun - first < end]
        return Outcome(end - begin, made)

    def latency(self, share: float) -> float:
        """Return the seconds in which so many of the answered calls were, as a share."""
        return quantile([call.seconds for call in self.calls if call.succeeded], share)

    def refusal(self, share: float) -> float:
        """Return the seconds in which so many of those were that were refused when they came, as a share."""
        return quantile([call.seconds for call in self.calls if call.refused and not call.dropped], share)

    def refusal_at_server(self, share: float) -> float:
        """Return the same without what the client was late itself."""
        return quantile([call.at_server for call in self.calls if call.refused and not call.dropped], share)

    def drop(self, share: float) -> float:
        """Return the part of their deadlines for which so many of the dropped calls were at the server."""
        return quantile([call.at_server / call.deadline for call in self.calls if call.dropped], share)


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value that so many are not above, as a share; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


class Clients:
    """Clients of a gateway, each with a connection of its own.

    Args:
        target: the gateway's address.
        connections: how many.
        authorization: what their calls say of who makes them; empty for nothing.

    """

    def __init__(self, target: str, connections: int = 1, authorization: str = "") -> None:
        self._metadata = (("authorization", authorization),) if authorization else ()
        self._channels = [grpc.aio.insecure_channel(target, options=_CHANNEL) for _ in range(connections)]

    async def __aenter__(self) -> Self:
        await asyncio.gather(*(channel.channel_ready() for channel in self._channels))
        return self

    async def __aexit__(self, *_raised: object) -> None:
        await asyncio.gather(*(channel.close() for channel in self._channels))

    async def offer(
        self,
        path: str,
        body: Callable[[int], bytes],
        *,
        rate: float,
        seconds: float,
        deadlines: tuple[float, float],
    ) -> Outcome:
        """Make calls as a Poisson process does, whatever becomes of those before; return when all ended.

        Args:
            path: `/package.Service/Method`.
            body: the request of the n-th call.
            rate: calls a second.
            seconds: how long calls are made for.
            deadlines: the shortest and the longest, in seconds.

        """
        chance = random.Random(rate)  # noqa: S311 - a load, no secret
        stubs = [channel.unary_unary(path) for channel in self._channels]
        tasks: list[asyncio.Task[Ended]] = []
        begun = due = time.monotonic()
        while True:
            due += chance.expovariate(rate)
            if due > begun + seconds:
                break
            await asyncio.sleep(due - time.monotonic())
            stub = stubs[len(tasks) % len(stubs)]
            call = _call(stub, body(len(tasks)), chance.uniform(*deadlines), self._metadata)
            tasks.append(asyncio.create_task(call))
        return Outcome(seconds, await asyncio.gather(*tasks))

    async def keep(self, path: str, body: bytes, *, in_flight: int, deadline: float) -> None:
        """Keep so many calls in flight, each followed by the next, until cancelled.

        After a refusal the next comes as RetryInfo says, or after a second where that is later: what makes
        the load shares the machine with what is loaded.
        """

        async def client(number: int) -> None:
            stub = self._channels[number % len(self._channels)].unary_unary(path)
            while True:
                ended = await _call(stub, body, deadline, self._metadata)
                await asyncio.sleep(max(ended.retry_after or 0, 1) if ended.refused else 0)

        await asyncio.gather(*(client(number) for number in range(in_flight)))


async def _call(
    stub: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes],
    body: bytes,
    deadline: float,
    metadata: Sequence[tuple[str, str]] = (),
) -> Ended:
    begun = time.monotonic()
    code, retry, message = grpc.StatusCode.OK, None, ""
    try:
        await stub(body, timeout=deadline, metadata=metadata)
    except grpc.aio.AioRpcError as error:
        packed = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
        code, message = error.code(), error.details() or ""
        retry = retry_after(packed if isinstance(packed, bytes) else b"")
    return Ended(begun, time.monotonic() - begun, deadline, code, retry, message)


def retry_after(packed: bytes) -> float | None:
    """Return RetryInfo's delay of a status with its details; None without."""
    for detail in status_pb2.Status.FromString(packed).details:
        info = error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            return float(info.retry_delay.ToTimedelta().total_seconds())
    return None
