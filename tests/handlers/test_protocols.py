"""Handlers over the other protocols of the port, and in what describes it."""

import json

import pytest

from tests.handlers.conftest import Kiosk
from tests.harness.http import Answer, ask

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


async def test_a_hook_sees_calls_of_rest(kiosk: Kiosk) -> None:
    got = await asked(kiosk, "GET", "/v1/articles/cola")
    assert got.json["stock"] == 10
    listed = await asked(kiosk, "POST", "/kiosk.v1.ArticleService/ListArticles", {"pageSize": 1})
    assert [one["sku"] for one in listed.json["articles"]] == ["cola"]
    assert kiosk.app.ended == ["1 articles"]
