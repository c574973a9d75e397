"""Handlers over the other protocols of the port, and in what describes it."""

import json

import pytest
from click.testing import CliRunner

from gateway.cli import main
from tests.handlers.conftest import Kiosk
from tests.harness.gateway import SCHEMAS
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


async def test_what_describes_the_port_has_handlers(kiosk: Kiosk) -> None:
    paths = (await asked(kiosk, "GET", "/openapi.json", caller="kay")).json["paths"]
    assert {"/v1/kiosk:buy", "/v1/kiosk/{what}"} <= paths.keys()


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
