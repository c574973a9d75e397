"""The watch over several hosts: each is asked all the time, side by side, so that the primary is known."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from gateway.background_task import BackgroundTask
from gateway.db.connections.dsn import Target
from gateway.db.connections.host_warnings import HostWarnings
from gateway.db.connections.refusals import refused_by_all
from gateway.db.connections.standing import Primaries, Standing, standing_of

_logger = logging.getLogger(__name__)
_PAUSE = 0.25
"""Seconds between two questions to a host."""
_ANSWER_SECONDS = 1.0
"""How long a host has for an answer, and for an attempt to connect; after a silent one for twice that."""


@dataclass(slots=True, eq=False)
class WatchedHost:
    """A host, and what it said last.

    Args:
        target: it alone, whatever it is.
        arguments: the driver's.
        answer: its standing, or why there was none; None before the first.

    """

    target: Target
    arguments: Mapping[str, Any]
    answer: Standing | Exception | None = None


class PrimaryWatch:
    """Knows which of several hosts is the primary, by asking all of them four times a second.

    So a host that is dead or frozen holds nobody up, and a new primary is known as soon as it is promoted. A
    primary that stops answering stays the one until another is there: who else could be asked? One that says
    that it takes no writes, or that is left behind by a promotion, is left at once.

    Args:
        target: several hosts.
        longest: seconds for one attempt to connect, at most.
        name: what the sessions that ask are called.
        left: told that connections made so far lead to no primary; and whether the primary is another host.
        is_final: whether a failure to connect will be the same as long as nobody changes something.

    """

    def __init__(
        self,
        target: Target,
        longest: float,
        name: str,
        left: Callable[[bool], None],
        is_final: Callable[[Exception], bool],
    ) -> None:
        self._hosts: Sequence[WatchedHost] = [
            WatchedHost(one, one.arguments()) for one in target.of_any_standing()
        ]
        self._longest = longest
        self._options: dict[str, Any] = {
            "statement_cache_size": 0,
            "server_settings": {"application_name": name},
        }
        self._left = left
        self._is_final = is_final
        self._warnings = HostWarnings(is_final)
        self._primaries = Primaries(target.parameters["target_session_attrs"])
        self._primary: WatchedHost | None = None
        self._served: WatchedHost | None = None
        self._news: asyncio.Future[None] | None = None
        self._attempts: set[asyncio.Timeout] = set()
        self._tasks = [BackgroundTask(f"watch over {host.target.hosts[0].place}") for host in self._hosts]

    @property
    def is_synchronous(self) -> bool:
        """Whether the primary has commits wait for standbys, as far as is known."""
        answer = None if self._primary is None else self._primary.answer
        return not isinstance(answer, Standing) or answer.synchronous

    @property
    def knows_of_none(self) -> bool:
        """Whether there is no primary, as far as is known; False before anybody has asked for it."""
        return self._primary is None and self._news is not None

    async def primary(self, until: float) -> WatchedHost:
        """Return the primary.

        Args:
            until: when to wait no longer for one, by the event loop's clock; but each host is heard once.

        Raises why there is none, with a note for each host.

        """
        loop = asyncio.get_running_loop()
        if self._news is None:
            self._news = loop.create_future()
            for task, host in zip(self._tasks, self._hosts, strict=True):
                task.start(self._follow(host))
        while self._primary is None:
            failures = self._failures()
            all_heard = len(failures) == len(self._hosts)
            left = until - loop.time()
            if all_heard and (left <= 0 or all(self._is_final(failure) for _, failure in failures)):
                raise refused_by_all(failures)
            await asyncio.wait([self._news], timeout=left if all_heard else None)
        return self._primary

    def why_none(self) -> Exception:
        """Return why there is no primary, with a note for each host that was heard."""
        return refused_by_all(self._failures())

    @asynccontextmanager
    async def attempt(self, seconds: float) -> AsyncIterator[None]:
        """Bound an attempt to connect to the primary, which ends as soon as another host is."""
        async with asyncio.timeout(seconds) as bound:
            self._attempts.add(bound)
            try:
                yield
            finally:
                self._attempts.discard(bound)

    def check(self, host: WatchedHost, standing: Standing) -> bool:
        """Take note of what a new connection says; return whether it leads to the primary."""
        self._hear(host, standing)
        return self._primary is host

    def failed(self, host: WatchedHost, error: Exception) -> None:
        """Take note that no connection could be made: the host is asked anew before it is the primary."""
        host.answer = error
        if self._primary is host:
            self._primary = None
            self._choose()

    async def stop(self) -> None:
        """Ask no more. Before the first `primary`, and twice, is safe."""
        for task in self._tasks:
            await task.stop()

    async def _follow(self, host: WatchedHost) -> None:
        seconds = _ANSWER_SECONDS
        while True:
            try:
                async with asyncio.timeout(min(seconds, self._longest)):
                    connection = await asyncpg.connect(**host.arguments, **self._options)
                seconds = _ANSWER_SECONDS
                try:
                    await self._ask(host, connection)
                finally:
                    connection.terminate()
            except TimeoutError as error:
                seconds *= 2
                self._hear(host, error)
            except Exception as error:  # noqa: BLE001 - whatever it is, the host is asked again
                self._hear(host, error)
            await asyncio.sleep(_PAUSE)

    async def _ask(self, host: WatchedHost, connection: Any) -> None:
        while True:
            async with asyncio.timeout(_ANSWER_SECONDS):
                standing = await standing_of(connection)
            self._hear(host, standing)
            await asyncio.sleep(_PAUSE)

    def _hear(self, host: WatchedHost, answer: Standing | Exception) -> None:
        host.answer = answer
        self._warnings.heard(host.target, answer)
        if isinstance(answer, Standing):
            self._primaries.note(answer)
        primary = self._primary
        if primary is not None and isinstance(primary.answer, Standing) and self._failure(primary):
            self._primary = None
            self._left(False)
        self._choose()

    def _choose(self) -> None:
        """Find the primary by what was said; one that only fell silent stays it. Wake who waits."""
        primaries = [host for host in self._hosts if self._failure(host) is None and host.answer is not None]
        if primaries and self._primary not in primaries:
            self._primary = primaries[0]
            if self._served is not self._primary:
                self._move(self._primary)
        if self._news is not None:
            self._news.set_result(None)
            self._news = self._news.get_loop().create_future()

    def _move(self, primary: WatchedHost) -> None:
        earlier, self._served = self._served, primary
        if earlier is None:
            return
        _logger.warning("another host is the primary", extra={"database": primary.target.redacted()})
        self._left(True)
        for bound in self._attempts:
            bound.reschedule(0)

    def _failures(self) -> list[tuple[Target, Exception]]:
        return [
            (host.target, failure) for host in self._hosts if (failure := self._failure(host)) is not None
        ]

    def _failure(self, host: WatchedHost) -> Exception | None:
        """Return why a host isn't the primary; None where it is, or hasn't been heard yet."""
        if isinstance(host.answer, Standing):
            return self._primaries.refusal(host.answer)
        return host.answer
