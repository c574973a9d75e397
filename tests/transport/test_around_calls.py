"""The order of what happens around a call, and what each part leaves to the next."""

import asyncio
import inspect
import re
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

import grpc
import pytest

from gateway.auth.authenticator import Credentials
from gateway.auth.principal import Principal
from gateway.config.load import settings_of
from gateway.errors import DeadlineExceeded
from gateway.observe.call_record import CallRecord
from gateway.request.calls.call import Call
from gateway.transport.authorization import Authorization
from gateway.transport.exchange import Exchange, request_id
from gateway.transport.limits.admission import Admission
from gateway.transport.limits.caller_limits import CallerLimits
from gateway.transport.limits.deadlines import Deadlines
from gateway.transport.limits.processor import Processor
from tests.harness.client import RpcFailed
from tests.transport.conftest import GET, Gate, Serve, dispatching

T = TypeVar("T")
_ARCHITECTURE = Path(__file__).parents[2] / "docs" / "architecture.md"
_ORDER = re.compile(
    r"A call that arrives passes, in this order:(.*?)\. Only then its request is read", re.DOTALL
)
_ANN = Principal("ann", "jwt")


def exchange() -> Exchange:
    return Exchange(b"", CallRecord("x.Y/Z", "id"), arrived=monotonic())


class _Known:
    """Knows one caller, at once or after waiting."""

    def __init__(self, *, late: bool) -> None:
        self._late = late

    def recall(self, _: Credentials) -> Principal | None:
        return None if self._late else _ANN

    async def authenticate(self, _: Credentials) -> Principal:
        return _ANN


def _noted(part: T, passed: list[str], name: str) -> T:
    """Have it noted when a method of a part is called; return the part."""
    method = getattr(part, name)

    def noting(*args: Any) -> Any:
        passed.append(Path(inspect.getfile(type(part))).name)
        return method(*args)

    setattr(part, name, noting)
    return part


class _Everybody:
    def __init__(self, passed: list[str]) -> None:
        self._passed = passed

    def allows(self, _: Principal) -> bool:
        self._passed.append("authorization.py")
        return True


async def _passed(*, late: bool) -> list[str]:
    """Return what a call passes, in its order, by the names of files."""
    passed: list[str] = []

    async def read() -> bytes:
        passed.append("request")
        return b""

    async def handler(request: Any, _: Call) -> Any:
        passed.append("handler")
        return request

    dispatcher = dispatching(
        handler,
        authorization=Authorization(_Known(late=late), {f"/{GET}": _Everybody(passed)}),
        callers=_noted(CallerLimits(settings_of().limits, {}), passed, "enter"),
        admission=_noted(Admission(1), passed, "enter"),
        deadlines=_noted(Deadlines(9, 9, 9), passed, "set"),
        processor=_noted(Processor(), passed, "begin"),
    )
    one = Exchange(b"", CallRecord(GET, "id"), arrived=monotonic(), read=read)
    assert (await dispatcher(f"/{GET}", one)).status is None
    return passed


async def test_a_call_passes_what_the_map_says_in_this_order() -> None:
    told = _ORDER.search(_ARCHITECTURE.read_text())
    assert told is not None
    order = re.findall(r"`(\w+\.py)`", told[1])
    assert len(order) == 5
    assert await _passed(late=False) == [*order, "request", "handler"]
    who, limits, *rest = order
    assert await _passed(late=True) == [*rest, who, limits, "request", "handler"]


async def test_a_call_is_admitted_before_its_clock_is_set() -> None:
    refused = exchange()
    reply = await dispatching(Gate(), admission=Admission(0))(f"/{GET}", refused)
    assert reply.status is not None
    assert (refused.record.reason, refused.deadline) == ("TOO_MANY_CALLS", None)


async def test_the_clock_ends_a_call_that_waits() -> None:
    one = exchange()
    with pytest.raises(DeadlineExceeded), Deadlines(0.01, 10, 10).around(one):
        await asyncio.Event().wait()
    assert one.deadline == pytest.approx(one.arrived + 0.01)


async def test_malformed_requests_count_as_calls_and_are_observed(served: Serve) -> None:
    server = await served(Gate())
    with pytest.raises(RpcFailed):
        await server.raw(b"\xff")
    facts = await server.ended.get()
    assert (facts.method, facts.code, facts.reason) == (GET, 3, "REQUEST_MALFORMED")
    assert facts.request_bytes == 1


async def test_what_is_observed_of_a_call(served: Serve) -> None:
    async def handler(request: Any, _call: Call) -> Any:
        return server.account(book=request.book)

    server = await served(handler)
    stub = server.client.channel.unary_unary(f"/{GET}")
    call = stub(b"\x0a\x03abc", metadata=[("x-request-id", "from-the-caller:1")])
    await call
    facts = await server.ended.get()
    assert (facts.method, facts.request_id, facts.code, facts.reason) == (GET, "from-the-caller:1", 0, "")
    assert (facts.request_bytes, facts.response_bytes, facts.rows) == (5, 5, None)
    assert 0 < facts.duration < 10
    assert facts.peer.startswith("ipv4:127.0.0.1:")
    assert dict(await call.trailing_metadata())["x-request-id"] == "from-the-caller:1"


async def test_rows_are_counted_in_responses_and_requests(gateway_for: Any, caplog: Any) -> None:
    gateway = await gateway_for("ledger", log_access="all")
    with caplog.at_level("INFO", "gateway.access"):
        accounts = [
            {"book": "b", "number": n, "owner": "o", "title": f"t{n}", "iban": f"i{n}"} for n in (1, 2, 3)
        ]
        await gateway.call(
            "ledger.v1.AccountService/BatchCreateAccounts",
            requests=[{"account": account} for account in accounts],
        )
    assert [record.rows for record in caplog.records if record.name == "gateway.access"] == [3]


@pytest.mark.parametrize("sent", [None, "", "a b", "x" * 129, 'quote"', "new\nline", "ümlaut"])
def test_a_request_id_unfit_for_a_log_is_replaced(sent: str | None) -> None:
    fresh = request_id(sent)
    assert fresh != sent
    assert len(fresh) == 16
    assert request_id(sent) != fresh


def test_a_request_id_is_kept() -> None:
    assert request_id("3f2c-77/a_b.c:d=+") == "3f2c-77/a_b.c:d=+"


async def test_a_refusal_echoes_the_request_id(served: Serve) -> None:
    server = await served(Gate(), max_in_flight=1)
    call = server.client.channel.unary_unary(f"/{GET}")(b"\xff", metadata=[("x-request-id", "mine")])
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    assert dict(caught.value.trailing_metadata())["x-request-id"] == "mine"
