"""Keys of a URL: had, kept and renewed, and nobody waits for long, whatever its server does."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from gateway.auth import bounded_download, key_sources
from gateway.auth.authenticator import Credentials
from gateway.auth.principal import Principal
from gateway.auth.provider_chain import ProviderChain
from gateway.auth.providers import provider_chain
from gateway.config.errors import ConfigError
from gateway.config.load import settings_of
from gateway.errors import Unauthenticated
from tests.auth.issuer import AUDIENCE, ISSUER, Publisher, Signer, key_set, publishing, response
from tests.harness.certificates import Certificate
from tests.harness.polling import next_poll

_FIRST, _SECOND = Signer("first"), Signer("second")


class _Chain:
    """A chain, and what it is asked."""

    def __init__(self, chain: ProviderChain) -> None:
        self.chain = chain

    async def who(self, signer: Signer) -> Principal:
        """Return whose token it is; raises Unauthenticated."""
        return await self.chain.authenticate(_bearer(signer.token()))

    async def why(self, signer: Signer) -> str:
        """Return why a token is refused."""
        with pytest.raises(Unauthenticated) as caught:
            await self.who(signer)
        return str(caught.value.__cause__)


def _bearer(token: str) -> Credentials:
    return Credentials(f"Bearer {token}".encode())


async def _started(url: str, **settings: Any) -> _Chain:
    named = {"auth_providers": "jwt", "auth_jwt_issuer": ISSUER, "auth_jwt_audience": AUDIENCE}
    chain = provider_chain(settings_of(**named, auth_jwt_keys_url=url, **settings))
    assert chain is not None
    await chain.start()
    return _Chain(chain)


@pytest.fixture
async def publisher() -> AsyncIterator[Publisher]:
    async with publishing(key_set(_FIRST)) as server:
        yield server


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a URL asked for each unknown key, and be waited for shortly."""
    monkeypatch.setattr(key_sources, "_LEAST_SECONDS", 0.0)
    monkeypatch.setattr(bounded_download, "_SECONDS", 0.2)


async def test_an_unknown_key_is_looked_for_but_not_at_every_token(publisher: Publisher) -> None:
    keys = await _started(publisher.url)
    assert (await keys.who(_FIRST)).id == "ann"
    for number in range(20):
        assert await keys.why(Signer(f"unknown{number}")) == "the token's key isn't known"
    assert publisher.asked == 1
    await keys.chain.stop()


@pytest.mark.usefixtures("soon")
async def test_new_keys_are_known_at_their_first_token_and_old_ones_no_more(publisher: Publisher) -> None:
    keys = await _started(publisher.url)
    old = _bearer(_FIRST.token())
    assert keys.chain.recall(old) is not None
    publisher.body = key_set(_SECOND)
    waiting = [keys.who(_SECOND) for _ in range(20)]
    assert {one.id for one in await asyncio.gather(*waiting)} == {"ann"}
    assert publisher.asked == 2
    with pytest.raises(Unauthenticated):
        await keys.chain.authenticate(old)
    await keys.chain.stop()


@pytest.mark.usefixtures("soon")
async def test_too_many_that_wait_are_refused_at_once(publisher: Publisher) -> None:
    keys = await _started(publisher.url)
    held = asyncio.Event()

    async def hold(_writer: asyncio.StreamWriter) -> None:
        await held.wait()

    publisher.answer = hold
    waiting = [asyncio.ensure_future(keys.why(_SECOND)) for _ in range(64)]
    while publisher.asked < 2:
        await next_poll()
    assert await keys.why(_SECOND) == "the token's key isn't known"
    assert not any(one.done() for one in waiting)
    held.set()
    assert set(await asyncio.gather(*waiting)) == {"the token's key isn't known"}
    await keys.chain.stop()


async def _hang(_writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(10)


async def _drip(writer: asyncio.StreamWriter) -> None:
    for byte in response(key_set(_SECOND)):
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.01)


def _sends(data: bytes) -> Callable[[asyncio.StreamWriter], Any]:
    async def send(writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()

    return send


async def _endless(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n")
    for _ in range(10_000):
        writer.write(b"1000\r\n" + b" " * 4096 + b"\r\n")
        await writer.drain()


async def _endless_head(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 X\r\n")
    for _ in range(10_000):
        writer.write(b"x: " + b"y" * 4096 + b"\r\n")
        await writer.drain()


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (_hang, "no whole answer within 0.2 s"),
        (_drip, "no whole answer within 0.2 s"),
        (_endless, "the answer has more than 262144 bytes"),
        (_endless_head, "the answer has more than 262144 bytes"),
        (_sends(b""), "the answer ends early"),
        (_sends(response(key_set(_SECOND))[:-1]), "the answer ends early"),
        (_sends(b"SSH-2.0-x\r\n\r\n"), "the answer is no HTTP"),
        (_sends(b"HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"), "the answer"),
        (_sends(response(key_set(_SECOND), 500)), "the answer's status is 500"),
        (
            _sends(b"HTTP/1.1 302 X\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"),
            "status is 302",
        ),
        (_sends(response(b"{}")), "is no JSON Web Key Set"),
        (_sends(response(b'{"keys": []}')), "has no public key"),
    ],
)
async def test_a_url_that_fails_leaves_the_keys_there_are(
    publisher: Publisher, answer: Any, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    keys = await _started(publisher.url)
    publisher.answer = answer
    assert await keys.why(_SECOND) == "the token's key isn't known"
    assert told in str(vars(next(one for one in caplog.records if "can't be had" in one.msg))["error"])
    assert (await keys.who(_FIRST)).id == "ann"
    await keys.chain.stop()


@pytest.mark.usefixtures("soon")
async def test_keys_that_are_too_old_are_used_no_more(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = await _started(publisher.url, auth_jwt_keys_max_age=10)
    publisher.answer = _sends(b"")
    now = monotonic()
    monkeypatch.setattr(key_sources, "monotonic", lambda: now + 11)
    assert await keys.why(_SECOND) == "the token's key isn't known"
    assert await keys.why(_FIRST) == "the token's key isn't known"
    await keys.chain.stop()


@pytest.mark.usefixtures("soon")
async def test_a_server_starts_while_its_url_fails_and_knows_tokens_when_it_answers(
    publisher: Publisher,
) -> None:
    right, publisher.answer = publisher.answer, _sends(b"")
    keys = await _started(publisher.url)
    assert await keys.why(_FIRST) == "the token's key isn't known"
    publisher.answer = right
    assert (await keys.who(_FIRST)).id == "ann"
    await keys.chain.stop()


async def test_the_servers_certificate_is_verified(tmp_path: Path) -> None:
    mine, other = Certificate(tmp_path, "mine"), Certificate(tmp_path, "other")
    async with publishing(key_set(_FIRST), mine) as publisher:
        for authorities, is_known in ((mine, True), (other, False)):
            keys = await _started(publisher.url, auth_jwt_keys_ca=authorities.cert_path)
            if is_known:
                assert (await keys.who(_FIRST)).id == "ann"
            else:
                assert await keys.why(_FIRST) == "the token's key isn't known"
            await keys.chain.stop()
    async with publishing(key_set(_FIRST), mine, host="localhost") as publisher:  # which it isn't made for
        keys = await _started(publisher.url, auth_jwt_keys_ca=mine.cert_path)
        assert await keys.why(_FIRST) == "the token's key isn't known"
        await keys.chain.stop()


@pytest.mark.parametrize(
    "url",
    [
        *("http://login.example.org/keys", "ftp://127.0.0.1/", "login.example.org", "https://", ""),
        *("https://a:b@login.example.org/", "https://login.example.org/a b", "https://x/\r\nhost: y"),
    ],
)
def test_a_url_that_is_not_safe_is_no_setting(url: str) -> None:
    with pytest.raises(ConfigError, match=r"auth.jwt_keys_url .* is no URL of https"):
        settings_of(auth_jwt_keys_url=url)


@pytest.mark.parametrize("make", [lambda path: path.write_text("nothing"), os.mkfifo], ids=["text", "FIFO"])
def test_authorities_that_are_none_are_refused(tmp_path: Path, make: Callable[[Path], object]) -> None:
    path = tmp_path / "ca.pem"
    make(path)
    given = {"auth_jwt_issuer": ISSUER, "auth_jwt_audience": AUDIENCE, "auth_jwt_keys_ca": path}
    with pytest.raises(ConfigError, match=r"auth.jwt_keys_ca .*holds no certificate"):
        provider_chain(settings_of(auth_providers="jwt", auth_jwt_keys_url="https://x.org/", **given))
