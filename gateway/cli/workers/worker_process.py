"""A worker as its supervisor sees it: one process."""

import asyncio
import contextlib
import logging
import os
import socket
import sys
from asyncio.subprocess import DEVNULL, Process, create_subprocess_exec
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Literal

from gateway.cli.failures import Failed as FailedError
from gateway.cli.failures import Wrong
from gateway.cli.workers.acceptor import Acceptor
from gateway.cli.workers.control_messages import (
    CHANNEL_VARIABLE,
    HEALTH_SOCKET,
    Ask,
    Assignment,
    Channel,
    Ended,
    Failed,
    ForceStop,
    Message,
    Ready,
    Retire,
    SendAway,
    Stop,
    Stopped,
    Told,
)
from gateway.cli.workers.handoff import SOCKETS_VARIABLE, Giver
from gateway.cli.workers.liveness import Liveness
from gateway.observe.call_record import CallUnderWay
from gateway.observe.metrics.figures import Figures

_logger = logging.getLogger(__name__)
_END_SECONDS = 5.0
_ANSWER_SECONDS = 2.0
"""For a worker to tell its figures: a scrape waits no longer for one that hangs."""
_CLOSED_IN_TURN = 4
"""Parts of a gateway that are closed one after the other, each within `close_timeout`."""
_MOST_UNANSWERED = 16
"""Questions that a worker which hangs may leave unread: the supervisor must never wait to write to it."""
_PREFIX = "rowgate-"
_RANDOM_LETTERS = 8
# sockaddr_un holds 108 bytes with the closing zero on Linux, 104 on macOS.
_MAX_SOCKET_BYTES = 103
_SHORT_FOLDER = "/tmp"  # noqa: S108 - a folder of our own is made in it


_WORKER = (sys.executable, "-m", "gateway.cli.workers.worker")


def own_folder() -> TemporaryDirectory[str]:
    """Make a worker's folder: in /tmp where a socket's path in the usual one would be too long."""
    usual = gettempdir()
    socket_path = Path(usual, _PREFIX + "x" * _RANDOM_LETTERS, HEALTH_SOCKET)
    fits = len(str(socket_path).encode()) <= _MAX_SOCKET_BYTES
    where = usual if fits else _SHORT_FOLDER
    return TemporaryDirectory(prefix=_PREFIX, dir=where, ignore_cleanup_errors=True)


class WorkerProcess:
    """Starts, stops and watches one worker.

    Args:
        assignment: what it serves.
        acceptor: gives it its connections.
        command: what is run.

    """

    def __init__(
        self, assignment: Assignment, acceptor: Acceptor, command: tuple[str, ...] = _WORKER
    ) -> None:
        self._command = command
        self._assignment = assignment
        self._acceptor = acceptor
        self._sockets: socket.socket | None = None
        self._giver: Giver | None = None
        self._folder = own_folder()
        self._ready: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._stopped = asyncio.Event()
        self._forced = asyncio.Event()
        self._channel: Channel | None = None
        self._process: Process | None = None
        self._asked: dict[int, asyncio.Future[Told]] = {}
        self._questions = count()
        self._unanswered = 0
        self.services: tuple[str, ...] = ()
        self.last_figures: Figures = {}
        """Those that it told last."""

    @property
    def status(self) -> int | None:
        """The exit status; None while it runs."""
        return self._process.returncode if self._process else None

    @property
    def pid(self) -> int | None:
        """The process's id."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Return when it takes calls.

        Raises click.ClickException with what it said where it failed, or where it takes too long; nothing is
        left of it then.
        """
        settings = self._assignment.settings
        longest = settings.database.start_timeout + settings.server.worker_start_timeout
        try:
            async with asyncio.timeout(longest):
                await self._spawn()
                await self._assign()
        except TimeoutError as error:
            await self.kill()
            raise FailedError(f"a worker isn't ready within {longest:g} s") from error
        except BaseException:
            await self.kill()
            raise

    def open(self) -> None:
        """Let it have connections."""
        if self._sockets is not None:
            room = self._assignment.settings.limits.max_connections
            self._giver, self._sockets = self._acceptor.add(self._sockets, room), None

    async def ended(self) -> None:
        """Wait until the process is gone."""
        if self._process is not None:
            await self._process.wait()
        self._cleanup()

    async def failed(self) -> None:
        """Wait until it serves no longer, and is gone: one that lives and doesn't answer is ended."""
        ended = asyncio.ensure_future(self.ended())
        lost = asyncio.ensure_future(self._lost())
        try:
            await asyncio.wait((ended, lost), return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                _logger.error("a worker doesn't answer, and is ended", extra={"worker_pid": self.pid})
                await self._end()
        finally:
            ended.cancel()
            lost.cancel()
            await asyncio.gather(ended, lost, return_exceptions=True)

    @property
    def load(self) -> Giver | None:
        """What it has to do; None where it has no connections to begin with, or has ended."""
        return None if self._giver is None or self._giver.is_gone else self._giver

    def send_away(self, connections: int, weight: float) -> None:
        """Have clients open so many connections anew, which have so much to do, at most."""
        if self._channel is not None:
            self._channel.send(SendAway(connections, weight))

    async def figures(self) -> Figures | None:
        """Return the figures of its metrics; None where it doesn't tell them in time, or any more."""
        told = await self._ask("figures")
        return None if told is None else told.figures

    async def calls(self) -> Sequence[CallUnderWay] | None:
        """Return its calls under way; None where it doesn't tell."""
        told = await self._ask("calls")
        return None if told is None else told.calls

    async def plan(self, statement: str) -> str | None:
        """Return the plan of a statement; None where it knows none, or doesn't tell."""
        told = await self._ask("plan", statement)
        return None if told is None else told.plan

    async def _ask(self, what: Literal["figures", "calls", "plan"], statement: str = "") -> Told | None:
        """Return its answer; None where it doesn't answer in time, or any more."""
        if self._channel is None or self._giver is None or self._stopped.is_set():
            return None
        if self._unanswered >= _MOST_UNANSWERED:
            return None
        self._unanswered += 1
        number = next(self._questions)
        asked: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
        self._asked[number] = asked
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                await asyncio.to_thread(self._channel.send, Ask(number, what, statement))
                return await asked
        except TimeoutError:
            return None
        finally:
            del self._asked[number]

    async def stop(self) -> None:
        """Have it drain and stop, however long the settings let that take; kill it where it doesn't."""
        await self._stop(Stop())

    async def retire(self) -> None:
        """Have its clients leave for other workers, then have it stop, as `stop` does."""
        if self._giver is not None:
            self._acceptor.remove(self._giver)
        await self._stop(Retire())

    async def _stop(self, how: Stop | Retire) -> None:
        if self._channel is None or self._process is None:
            return
        try:
            await self._drain(self._channel, how)
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            async with asyncio.timeout(_END_SECONDS):
                await self.ended()
        except TimeoutError:
            _logger.warning("a worker doesn't end, and is killed", extra={"worker_pid": self.pid})
            await self.kill()

    def force_stop(self) -> None:
        """Let `stop`, under way or to come, wait for no call."""
        self._forced.set()
        if self._channel is not None:
            self._channel.send(ForceStop())

    async def kill(self) -> None:
        """End it at once."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        await self.ended()

    async def _lost(self) -> None:
        """Return when the process doesn't answer any more."""
        await Liveness(Path(self._folder.name, HEALTH_SOCKET), self._assignment.settings.server).lost()

    async def _end(self) -> None:
        """Have it stop, which it may have ears for, or kill it."""
        try:
            async with asyncio.timeout(_END_SECONDS):
                await self.stop()
        except TimeoutError:
            await self.kill()

    async def _spawn(self) -> None:
        ours, theirs = socket.socketpair()
        self._channel = Channel(ours.detach())
        self._sockets, their_sockets = socket.socketpair()
        handed = {CHANNEL_VARIABLE: theirs.fileno(), SOCKETS_VARIABLE: their_sockets.fileno()}
        with theirs, their_sockets:
            # A session of its own: Ctrl-C in a terminal is the supervisor's, which tells its workers.
            self._process = await create_subprocess_exec(
                *self._command,
                cwd=self._folder.name,
                env={**os.environ, **{name: str(number) for name, number in handed.items()}},
                pass_fds=tuple(handed.values()),
                stdin=DEVNULL,
                stdout=DEVNULL,
                start_new_session=True,
            )
        loop = asyncio.get_running_loop()

        def heard(message: Message) -> None:
            # A worker that couldn't start may say its last word when the supervisor's loop is closed already.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._heard, message)

        self._channel.listen(heard)

    async def _assign(self) -> None:
        if self._channel is None:
            raise RuntimeError("not started")
        await asyncio.to_thread(self._channel.send, self._assignment)
        answer = await self._ready
        if isinstance(answer, Failed):
            raise (Wrong if answer.status == Wrong.exit_code else FailedError)(answer.message)
        if not isinstance(answer, Ready):
            raise FailedError("a worker ended before it was ready")
        self.services = answer.services

    async def _drain(self, channel: Channel, how: Stop | Retire) -> None:
        """Have it finish its calls and close; raises TimeoutError where it takes longer than it may."""
        settings = self._assignment.settings
        await asyncio.to_thread(channel.send, how)
        await self._stopped_or_forced_within(settings.server.lame_duck + settings.server.drain_timeout)
        async with asyncio.timeout(_CLOSED_IN_TURN * settings.database.close_timeout + _END_SECONDS):
            await self._stopped.wait()

    async def _stopped_or_forced_within(self, seconds: float) -> None:
        waits = [asyncio.ensure_future(one.wait()) for one in (self._stopped, self._forced)]
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for one in waits:
            one.cancel()

    def _heard(self, message: Message) -> None:
        if isinstance(message, (Ready, Failed, Ended)) and not self._ready.done():
            self._ready.set_result(message)
        if isinstance(message, (Stopped, Ended)):
            self._stopped.set()
        if isinstance(message, (Told, Stopped)) and message.figures is not None:
            self.last_figures = message.figures
        if isinstance(message, Told):
            self._unanswered -= 1
            asked = self._asked.get(message.number)
            if asked is not None and not asked.done():
                asked.set_result(message)

    def _cleanup(self) -> None:
        self._folder.cleanup()
        if self._sockets is not None:
            self._sockets.close()
