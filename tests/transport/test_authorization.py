"""Who calls, and whether they may: said before anything else is done for a call."""

from time import monotonic

import pytest
from google.protobuf.message import Message

from gateway.auth.authenticator import Credentials, refused_credential
from gateway.auth.principal import ANONYMOUS, AUTHENTICATED_ROLE, Principal
from gateway.config.load import settings_of
from gateway.observe.call_record import CallRecord
from gateway.request.calls.call import Call
from gateway.request.calls.memory import ResponseMemory
from gateway.transport.authorization import Authorization
from gateway.transport.dispatch import Dispatcher, Endpoint
from gateway.transport.exchange import Exchange, Reply
from gateway.transport.limits.admission import Admission
from tests.harness.gateway import schema_of
from tests.transport.conftest import GET, SERVICE, dispatching

_ANN = Principal("ann", "jwt", frozenset({AUTHENTICATED_ROLE}))


class _Known:
    """Knows one principal at once, and one after waiting."""

    def __init__(self) -> None:
        self.recalled = self.waited = 0

    def recall(self, credentials: Credentials) -> Principal | None:
        self.recalled += 1
        if credentials.authorization in {b"", b"Bearer ann"}:
            return _ANN if credentials.authorization else ANONYMOUS
        if credentials.authorization.startswith(b"Bearer late"):
            return None
        raise refused_credential("nobody's")

    async def authenticate(self, credentials: Credentials) -> Principal:
        self.waited += 1
        if credentials.authorization == b"Bearer late ann":
            return _ANN
        raise refused_credential("nobody's")


class _Authenticated:
    def allows(self, principal: Principal) -> bool:
        return AUTHENTICATED_ROLE in principal.roles


class _Handler:
    """Notes who called."""

    def __init__(self) -> None:
        self.called_by: list[Principal] = []

    async def __call__(self, request: Message, call: Call) -> Message:
        self.called_by.append(call.principal)
        return request


def _dispatcher(known: _Known, handler: _Handler, places: int = 1) -> Dispatcher:
    guard = Authorization(known, {f"/{GET}": _Authenticated()})
    return dispatching(handler, authorization=guard, admission=Admission(places))


def _exchange(*authorization: bytes) -> Exchange:
    headers = [(b"authorization", one) for one in authorization]
    return Exchange(b"", CallRecord(GET, "id"), arrived=monotonic(), headers=headers)


async def _called(*authorization: bytes, places: int = 1) -> tuple[Reply, _Handler, Exchange]:
    handler, one = _Handler(), _exchange(*authorization)
    dispatcher = _dispatcher(_Known(), handler, places)
    return await dispatcher(f"/{GET}", one), handler, one


async def test_a_known_caller_is_let_in() -> None:
    reply, handler, _ = await _called(b"Bearer ann")
    assert (reply.status, handler.called_by) == (None, [_ANN])


async def test_a_caller_who_is_known_after_waiting_is_let_in() -> None:
    reply, handler, _ = await _called(b"Bearer late ann")
    assert (reply.status, handler.called_by) == (None, [_ANN])


async def test_a_wrong_credential_gets_nothing_else() -> None:
    """Not even the word that the server is full."""
    for wrong in (b"Bearer bob", b"Basic YQ=="):
        reply, handler, one = await _called(wrong, places=0)
        assert (one.record.code, one.record.reason, handler.called_by) == (16, "CREDENTIAL_REFUSED", [])
        assert reply.status is not None
        assert reply.status.message == "the credential is not accepted"


async def test_a_credential_that_is_wrong_after_waiting_does_nothing() -> None:
    _, handler, one = await _called(b"Bearer late bob")
    assert (one.record.reason, handler.called_by) == ("CREDENTIAL_REFUSED", [])


async def test_anonymous_callers_may_do_nothing_that_they_are_not_allowed() -> None:
    _, handler, one = await _called()
    assert (one.record.code, one.record.reason, handler.called_by) == (7, "CALL_NOT_ALLOWED", [])


async def test_of_two_credentials_neither_is_taken() -> None:
    _, handler, one = await _called(b"Bearer ann", b"Bearer ann")
    assert (one.record.code, one.record.reason, handler.called_by) == (16, "CREDENTIAL_REFUSED", [])
    assert one.record.cause == "there are two authorization headers"


async def test_a_caller_is_looked_for_once_though_a_plain_call_enters_twice() -> None:
    known, handler, one = _Known(), _Handler(), _exchange(b"Bearer ann")
    dispatcher = _dispatcher(known, handler)
    assert dispatcher.arrive(one) is None
    assert (await dispatcher(f"/{GET}", one)).status is None
    assert (known.recalled, handler.called_by) == (1, [_ANN])


async def test_who_is_known_already_is_not_looked_for_again_but_has_to_be_allowed() -> None:
    for principal, reason in ((_ANN, ""), (Principal("bob", "jwt"), "CALL_NOT_ALLOWED")):
        known, handler, one = _Known(), _Handler(), _exchange(b"Bearer bob")
        one.principal = principal
        await _dispatcher(known, handler)(f"/{GET}", one)
        assert (known.recalled, known.waited, one.record.reason) == (0, 0, reason)
        assert handler.called_by == ([] if reason else [_ANN])


async def test_a_call_that_has_a_deadline_is_not_let_in_for_it() -> None:
    handler, one = _Handler(), _exchange()
    one.deadline = monotonic() + 9
    await _dispatcher(_Known(), handler)(f"/{GET}", one)
    assert (one.record.reason, handler.called_by) == ("CALL_NOT_ALLOWED", [])


async def test_nothing_is_done_for_a_call_before_it_is_known_who_makes_it() -> None:
    handler = _Handler()
    method = next(one for one in schema_of("ledger").services[SERVICE].methods if one.path == f"/{GET}")
    answer = Endpoint(method, handler, settings_of().limits, ResponseMemory(1 << 20))
    with pytest.raises(RuntimeError):
        await answer(_exchange())
    assert handler.called_by == []


async def test_where_callers_are_not_identified_everybody_is_anonymous() -> None:
    handler, one = _Handler(), _exchange(b"Bearer ann")
    one.principal = _ANN
    assert (await dispatching(handler)(f"/{GET}", one)).status is None
    assert (handler.called_by, one.record.principal) == ([ANONYMOUS], "")
