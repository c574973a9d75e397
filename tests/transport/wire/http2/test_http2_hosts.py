"""Who calls by a name that isn't the server's is refused: a browser whose page had its name point here."""

import grpc.aio
import pytest
from hpack import Encoder

from gateway.config.address import Address
from gateway.config.load import settings_of
from gateway.transport.host_names import host_names
from gateway.transport.wire.framing import frame as message_frame
from gateway.transport.wire.http2 import frames
from gateway.transport.wire.http2.frames import frame
from gateway.transport.wire.http2.header_blocks.writer import write_block
from tests.transport.conftest import GET, Serve, Served
from tests.transport.reasons import reason_of
from tests.transport.wire.http2.answering import Answering
from tests.transport.wire.http2.peer import Answered, peer_of

LOOPBACK = Address("127.0.0.1", 50051)
ALWAYS = ["", "127.0.0.1:1", "[::1]:50051", "[::1]", "10.1.2.3", "localhost", "LocalHost:80", "a.localhost."]
SEVERAL = "127.0.0.1:1,localhost:2,[::1]:3"
NEVER = [
    "user@localhost",
    "localhost:80:80",
    "[localhost]",
    "evil.example#127.0.0.1",
    "127.0.0.1.evil.example",
    "127.0.0.1,evil.example",
    "evil.example:1,127.0.0.1:1",
]


async def answer(
    server: Served, *more: tuple[str, str], method: str = "POST", authority: str = ""
) -> Answered:
    """Return what comes of a call by a name."""
    fields = [(":method", method), (":scheme", "http"), (":path", f"/{GET}"), *more]
    if authority:
        fields.insert(1, (":authority", authority))
    kind = [("content-type", "application/grpc"), ("te", "trailers")] if method == "POST" else []
    async with peer_of(server.target) as peer:
        peer.send(frame(frames.HEADERS, frames.END_HEADERS, 1, Encoder().encode([*fields, *kind])))
        peer.send(frame(frames.DATA, frames.END_STREAM, 1, message_frame(b"")))
        return await peer.answer(1)


async def test_a_call_by_another_name_is_refused(serving: Serve) -> None:
    handler = Answering()
    server = await serving(handler)
    refused = [
        await answer(server, authority="evil.example"),
        await answer(server, ("host", "evil.example")),
        await answer(server, ("host", "evil.example"), authority="localhost"),
    ]
    assert [reason_of(one.headers) for one in refused] == [(7, "HOST_NOT_ALLOWED")] * 3
    assert handler.calls == 0
    assert b"server.allowed_hosts" in refused[0].headers[b"grpc-message"]
    assert reason_of((await answer(server, authority="localhost:1")).headers) == (0, "")


async def test_a_call_is_refused_again_that_differs_in_its_deadline(serving: Serve) -> None:
    handler = Answering()
    server = await serving(handler)
    fields = [
        *((b":method", b"POST"), (b":scheme", b"http"), (b":path", f"/{GET}".encode())),
        *((b":authority", b"evil.example"), (b"content-type", b"application/grpc"), (b"te", b"trailers")),
    ]
    async with peer_of(server.target) as peer:
        for number in (1, 3, 5):
            block = write_block([*fields, (b"grpc-timeout", b"%dS" % number)])
            peer.send(frame(frames.HEADERS, frames.END_HEADERS, number, block))
            peer.send(frame(frames.DATA, frames.END_STREAM, number, message_frame(b"")))
            assert reason_of((await peer.answer(number)).headers) == (7, "HOST_NOT_ALLOWED")
    assert handler.calls == 0


async def test_a_client_of_several_addresses_is_answered(serving: Serve) -> None:
    server = await serving(Answering())
    async with grpc.aio.insecure_channel(f"ipv4:{server.target},{server.target}") as channel:
        assert await channel.unary_unary(f"/{GET}")(b"", timeout=10)


async def test_a_request_that_is_no_call_is_misdirected(serving: Serve) -> None:
    server = await serving(Answering())
    refused = await answer(server, method="GET", authority="evil.example")
    assert refused.headers[b":status"] == b"421"
    assert b"server.allowed_hosts" in refused.body


async def test_configured_names_are_allowed(serving: Serve) -> None:
    server = await serving(Answering(), allowed_hosts="db.internal,*.shop.example")
    for name in ("db.internal:50051", "a.shop.example", "localhost", "127.0.0.1"):
        assert reason_of((await answer(server, authority=name)).headers) == (0, "")
    for name in ("shop.example", "internal", "evil.example"):
        assert reason_of((await answer(server, authority=name)).headers) == (7, "HOST_NOT_ALLOWED")


@pytest.mark.parametrize("hosts", ["", "db.internal"])
def test_addresses_and_local_names_are_always_allowed(hosts: str) -> None:
    names = host_names(settings_of(allowed_hosts=hosts or ()).server, LOOPBACK)
    assert names is not None
    assert [one for one in (*ALWAYS, SEVERAL) if not names.allow(one.encode())] == []
    assert [one for one in NEVER if names.allow(one.encode())] == []


def test_where_all_names_are_allowed() -> None:
    unnamed, named = settings_of().server, settings_of(allowed_hosts="db.internal").server
    everywhere, socket = Address("0.0.0.0", 50051), Address("/tmp/own.sock", None)  # noqa: S104, S108 - not opened
    assert host_names(unnamed, everywhere) is None
    assert host_names(settings_of(allowed_hosts="*").server, LOOPBACK) is None
    assert host_names(named, socket) is None
    assert host_names(named, everywhere) is not None
    own = host_names(unnamed, Address("localhost", 50051))
    assert own is not None
    assert own.allow(b"localhost:50051")
