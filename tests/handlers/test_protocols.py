"""Handlers over the other protocols of the port, and in what describes it."""

import asyncio
import json
import shutil
import subprocess
from urllib.parse import unquote

import pytest
from click.testing import CliRunner

from gateway.cli import main
from tests.handlers.conftest import Kiosk
from tests.harness.gateway import SCHEMAS
from tests.harness.http import Answer, ask
from tests.transport.test_connect import envelope, envelopes

NDJSON = {"content-type": "application/x-ndjson"}
KIOSK = "kiosk.v1.KioskService"


@pytest.fixture(scope="module")
def transport() -> str:
    """Return the one that has them."""
    return "http"


async def asked(kiosk: Kiosk, method: str, path: str, body: object = None, caller: str = "ann") -> Answer:
    """Return what the port answers a caller."""
    headers = {"authorization": f"Bearer {kiosk.keys[caller]}"}
    if body is not None:
        headers["content-type"] = "application/json"
    return await ask(kiosk.gateway.target, method, path, json.dumps(body).encode() if body else None, headers)


@pytest.mark.parametrize("path", ["/v1/kiosk:buy", f"/{KIOSK}/Buy"], ids=["rest", "connect"])
async def test_a_handler_answers_json(kiosk: Kiosk, path: str) -> None:
    answer = await asked(kiosk, "POST", path, {"sku": "cola", "count": 2})
    assert (answer.status, answer.json["buyer"], answer.json["count"]) == (200, "ann", 2)
    refused = await asked(kiosk, "POST", path, {"sku": "cola", "count": 20})
    assert refused.status == 400
    assert "SOLD_OUT" in refused.body.decode()
    assert (
        kiosk.app.INSIDE not in (await asked(kiosk, "POST", f"/{KIOSK}/Act", {"what": "fail"})).body.decode()
    )


async def test_one_that_only_reads_is_got(kiosk: Kiosk) -> None:
    rest = await asked(kiosk, "GET", "/v1/kiosk/count")
    connect = await asked(
        kiosk, "GET", f"/{KIOSK}/Act?connect=v1&encoding=json&message=%7B%22what%22%3A%22count%22%7D"
    )
    assert rest.json == connect.json == {"told": ["0", "0"]}
    assert (await asked(kiosk, "GET", f"/{KIOSK}/Buy?connect=v1&encoding=json&message=%7B%7D")).status == 405


async def test_grpc_web(kiosk: Kiosk) -> None:
    body = kiosk.gateway.client.message("kiosk.v1.ActRequest", what="count").SerializeToString()
    headers = {
        "content-type": "application/grpc-web+proto",
        "authorization": f"Bearer {kiosk.keys['ann']}",
    }
    framed = b"\x00" + len(body).to_bytes(4, "big") + body
    answer = await ask(kiosk.gateway.target, "POST", f"/{KIOSK}/Act", framed, headers)
    assert answer.status == 200
    assert b"grpc-status: 0" in answer.body or b"grpc-status:0" in answer.body


async def test_a_stream_with_one_answer_goes_over_http_1(kiosk: Kiosk) -> None:
    """As lines of REST, in envelopes of Connect, and in frames of gRPC-Web."""
    key = {"authorization": f"Bearer {kiosk.keys['ann']}"}
    asked = [{"sku": "cola", "count": 1}, {"sku": "cola", "count": 2}]
    lines = b"".join(json.dumps(one).encode() + b"\n" for one in asked)
    headers = {"content-type": "application/x-ndjson", **key}
    rest = await ask(kiosk.gateway.target, "POST", "/v1/kiosk:buyAll", lines, headers)
    assert (rest.status, rest.json) == (200, {"told": ["1", "2"]})
    framed = b"".join(envelope(json.dumps(one).encode()) for one in asked)
    headers = {"content-type": "application/connect+json", **key}
    connect = await ask(kiosk.gateway.target, "POST", f"/{KIOSK}/BuyAll", framed, headers)
    assert envelopes(connect.body) == [(0, {"told": ["1", "2"]}), (2, {})]
    message = kiosk.gateway.client.message
    framed = b"".join(envelope(message("kiosk.v1.BuyRequest", one).SerializeToString()) for one in asked)
    headers = {"content-type": "application/grpc-web+proto", **key}
    web = await ask(kiosk.gateway.target, "POST", f"/{KIOSK}/BuyAll", framed, headers)
    body = message("kiosk.v1.ActResponse", told=["1", "2"]).SerializeToString()
    assert web.body.startswith(envelope(body))
    assert b"grpc-status:0" in web.body
    assert len(await kiosk.purchases()) == 6
    wrong = await ask(
        kiosk.gateway.target, "POST", "/v1/kiosk:buyAll", b'{"sku": 1}\n', {**headers, **NDJSON}
    )
    assert wrong.status == 400


@pytest.mark.parametrize("method", ["Chat", "Session"])
async def test_a_conversation_needs_http_2(kiosk: Kiosk, method: str) -> None:
    """Each protocol says so in its own form; nothing is begun."""
    key = {"authorization": f"Bearer {kiosk.keys['ann']}"}
    target, path = kiosk.gateway.target, f"/{KIOSK}/{method}"
    headers = {"content-type": "application/connect+json", **key}
    connect = await ask(target, "POST", path, envelope(b"{}"), headers)
    ((flags, ended),) = envelopes(connect.body)
    assert (connect.status, flags, ended["error"]["code"]) == (200, 2, "unimplemented")
    assert "takes HTTP/2" in ended["error"]["message"]
    web = await ask(
        target, "POST", path, envelope(b""), {"content-type": "application/grpc-web+proto", **key}
    )
    assert web.headers["grpc-status"] == "12"
    assert "takes HTTP/2" in unquote(web.headers["grpc-message"])
    if method == "Chat":
        rest = await ask(target, "POST", "/v1/kiosk:chat", b'{"what": "hi"}\n', {**key, **NDJSON})
        assert (rest.status, rest.json["details"][0]["reason"]) == (501, "HTTP2_REQUIRED")


@pytest.mark.parametrize("kind", ["application/connect+json", "application/grpc-web+json"])
async def test_a_conversation_goes_over_http_2(kiosk: Kiosk, kind: str) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is missing")
    body = envelope(b'{"what": "hi"}') + envelope(b'{"what": "ho"}')
    done = await asyncio.to_thread(
        subprocess.run,
        [
            *("curl", "-sS", "--http2-prior-knowledge", "--data-binary", "@-", "-H", f"content-type: {kind}"),
            *("-H", f"authorization: Bearer {kiosk.keys['bob']}"),
            f"http://{kiosk.gateway.target}/{KIOSK}/Chat",
        ],
        input=body,
        capture_output=True,
        check=True,
    )
    first = envelope(b'{"told":["hi","bob"]}'), envelope(b'{"told":["ho","bob"]}')
    assert done.stdout.replace(b": ", b":").replace(b", ", b",").startswith(b"".join(first)), done.stdout


async def test_what_describes_the_port_has_handlers(kiosk: Kiosk) -> None:
    paths = (await asked(kiosk, "GET", "/openapi.json", caller="kay")).json["paths"]
    assert {"/v1/kiosk:buy", "/v1/kiosk/{what}"} <= paths.keys()
    gathers = paths["/v1/kiosk:buyAll"]["post"]
    assert list(gathers["requestBody"]["content"]) == ["application/x-ndjson"]
    assert list(gathers["responses"]["200"]["content"]) == ["application/json"]


def test_who_may_call_handlers_is_printed() -> None:
    done = CliRunner().invoke(main, ["policy", "--format", "json", "--protos", str(SCHEMAS / "kiosk")])
    methods = {one["method"]: one["roles"] for one in json.loads(done.output)["methods"]}
    assert methods[f"{KIOSK}.Hide"] == {"anonymous": "no", "authenticated": "no", "keeper": "yes"}
    assert methods[f"{KIOSK}.Buy"]["authenticated"] == "yes"


async def test_a_hook_sees_calls_of_rest(kiosk: Kiosk) -> None:
    got = await asked(kiosk, "GET", "/v1/articles/cola")
    assert got.json["stock"] == 10
    listed = await asked(kiosk, "POST", "/kiosk.v1.ArticleService/ListArticles", {"pageSize": 1})
    assert [one["sku"] for one in listed.json["articles"]] == ["cola"]
    assert kiosk.app.ended == ["1 articles"]
