"""A principal counts once, however many connections it has."""

import asyncio
from time import monotonic

from google.protobuf.message import Message

from gateway.auth.authenticator import Credentials
from gateway.auth.principal import ANONYMOUS, AUTHENTICATED_ROLE, Principal
from gateway.observe.call_record import CallRecord
from gateway.request.calls.bulkheads import share_of_connection
from gateway.request.calls.call import Call
from gateway.transport.authorization import Authorization
from gateway.transport.exchange import Exchange
from gateway.transport.limits.admission import Admission
from tests.harness.polling import next_poll
from tests.transport.conftest import GET, dispatching

_PLACES = 16
_ANY = frozenset({AUTHENTICATED_ROLE})
_CALLERS = {name.encode(): Principal(name, "jwt", _ANY) for name in ("ann", "bob")}


class _Callers:
    """Knows callers by their names."""

    def recall(self, credentials: Credentials) -> Principal:
        return _CALLERS.get(credentials.authorization, ANONYMOUS)

    async def authenticate(self, credentials: Credentials) -> Principal:
        return self.recall(credentials)


class _Everybody:
    def allows(self, principal: Principal) -> bool:
        return bool(principal.roles)


class _Waiting:
    """A server whose calls wait, and say by whose turn they do."""

    def __init__(self) -> None:
        self.turns: list[str] = []
        self._go = asyncio.Event()
        guard = Authorization(_Callers(), {f"/{GET}": _Everybody()})
        self._dispatcher = dispatching(self._handle, authorization=guard, admission=Admission(_PLACES))
        self._calls: list[asyncio.Task[object]] = []

    async def _handle(self, request: Message, call: Call) -> Message:
        self.turns.append(call.caller)
        await self._go.wait()
        return request

    async def call(self, caller: bytes, peer: str) -> Exchange:
        """Call; return when the call waits, or has ended."""
        headers = [(b"authorization", caller)] if caller else []
        one = Exchange(b"", CallRecord(GET, "id", peer), monotonic(), headers=headers)
        before = len(self.turns)
        task = asyncio.ensure_future(self._dispatcher(f"/{GET}", one))
        self._calls.append(task)
        while not task.done() and len(self.turns) == before:
            await next_poll()
        return one

    async def end(self) -> None:
        """Let all go on."""
        self._go.set()
        await asyncio.gather(*self._calls)


async def test_the_share_of_a_principal_is_one_whatever_its_connections() -> None:
    server, share = _Waiting(), share_of_connection(_PLACES)
    flood = [await server.call(b"ann", f"ipv4:10.0.0.1:{port}") for port in range(share + 2)]
    assert [one.record.reason for one in flood] == [*[""] * share, *["TOO_MANY_CALLS"] * 2]
    other = await server.call(b"bob", "ipv4:10.0.0.1:1")
    assert other.record.reason == ""
    assert server.turns == [*["jwt:ann"] * share, "jwt:bob"]
    await server.end()
    again = await server.call(b"ann", "ipv4:10.0.0.1:1")
    assert again.record.reason == ""


async def test_callers_without_a_credential_take_turns_by_connection() -> None:
    server = _Waiting()
    for port in (1, 2):
        await server.call(b"", f"ipv4:10.0.0.1:{port}")
    assert server.turns == ["ipv4:10.0.0.1:1", "ipv4:10.0.0.1:2"]
    await server.end()
