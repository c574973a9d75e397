"""Transact over every protocol of the port: what is packed is JSON in JSON."""

import asyncio
import json
import shutil
import subprocess
from typing import Any
from urllib.parse import unquote

import pytest

from tests.conftest import GatewayFor
from tests.harness.http import ask
from tests.transactions.bank import ACCOUNTS, TRANSACT, accounts, get_account, open_account, set_cents
from tests.transport.test_connect import envelope, envelopes

_STEPS: dict[str, Any] = {"steps": [open_account("a", 5), set_cents("a", 6), get_account("a")]}
_ACCOUNT = {"@type": "type.googleapis.com/bank.v1.Account", "id": "a"}


@pytest.mark.parametrize("path", [f"/{TRANSACT}", "/v1/transact"], ids=["connect", "rest"])
async def test_steps_and_answers_are_json(gateway_for: GatewayFor, path: str) -> None:
    gateway = await gateway_for("bank", transport="http")
    answer = await ask(gateway.target, "POST", path, _STEPS)
    assert answer.status == 200, answer
    opened, changed, got = answer.json["responses"]
    assert {**_ACCOUNT, "cents": "5"}.items() <= opened.items()
    assert {**_ACCOUNT, "cents": "6", "version": "2"}.items() <= changed.items()
    assert got == changed
    assert await accounts(gateway) == {"a": 6}


@pytest.mark.parametrize("path", [f"/{TRANSACT}", "/v1/transact"], ids=["connect", "rest"])
async def test_a_refusal_names_the_step(gateway_for: GatewayFor, path: str) -> None:
    gateway = await gateway_for("bank", transport="http")
    steps = [open_account("a", 5), get_account("nobody")]
    answer = await ask(gateway.target, "POST", path, {"steps": steps})
    assert answer.status == 404
    assert '"step_method"' in answer.body.decode() or f"{ACCOUNTS}.GetAccount" in answer.body.decode()
    assert "steps[1]" in answer.body.decode()
    assert await accounts(gateway) == {}


async def test_an_unknown_packed_type_is_refused(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("bank", transport="http")
    wrong = {"method": f"{ACCOUNTS}.GetAccount", "request": {"@type": "x/bank.v1.Nothing", "id": "a"}}
    answer = await ask(gateway.target, "POST", "/v1/transact", {"steps": [wrong]})
    assert answer.status == 400
    assert "steps[0].request" in answer.body.decode()


@pytest.mark.parametrize("transport", ["http", "grpcio"])
async def test_steps_are_answered_on_each_transport(gateway_for: GatewayFor, transport: str) -> None:
    gateway = await gateway_for("bank", transport=transport)
    response = await gateway.call(TRANSACT, _STEPS)
    assert [gateway.client.unpacked(one).cents for one in response.responses] == [5, 6, 6]


async def test_a_session_says_that_it_needs_http_2(gateway_for: GatewayFor) -> None:
    """Each protocol in its own form: and not that the session's beginning is missing."""
    gateway = await gateway_for("bank", transport="http")
    path, begin = "/bank.v1.BankService/Session", {"begin": {}}
    headers = {"content-type": "application/connect+json"}
    connect = await ask(gateway.target, "POST", path, envelope(json.dumps(begin).encode()), headers)
    ((flags, ended),) = envelopes(connect.body)
    assert (connect.status, flags, ended["error"]["code"]) == (200, 2, "unimplemented")
    assert "takes HTTP/2" in ended["error"]["message"]
    message = gateway.client.message("bank.v1.SessionRequest", begin).SerializeToString()
    headers = {"content-type": "application/grpc-web+proto"}
    web = await ask(gateway.target, "POST", path, envelope(message), headers)
    assert web.headers["grpc-status"] == "12"
    assert "takes HTTP/2" in unquote(web.headers["grpc-message"])


async def test_a_session_goes_over_connect_on_http_2(gateway_for: GatewayFor) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is missing")
    gateway = await gateway_for("bank", transport="http")
    messages: list[dict[str, Any]] = [
        {"begin": {}},
        {"step": open_account("a", 5)},
        {"step": set_cents("a", -1)},
        {"end": "SESSION_END_ROLLBACK"},
    ]
    body = b"".join(envelope(json.dumps(message).encode()) for message in messages)
    command = ["curl", "-sS", "--http2-prior-knowledge", "--data-binary", "@-"]
    url = f"http://{gateway.target}/bank.v1.BankService/Session"
    done = await asyncio.to_thread(
        subprocess.run,
        [*command, "-H", "content-type: application/connect+json", url],
        input=body,
        capture_output=True,
        check=True,
    )
    *answers, (flags, end) = envelopes(done.stdout)
    begun, opened, refused, rolled_back = (message for _, message in answers)
    assert (begun, rolled_back, flags, end) == ({}, {}, 2, {})
    assert opened["response"]["cents"] == "5"
    assert refused["error"]["code"] == 3
    assert await accounts(gateway) == {}
