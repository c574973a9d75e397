"""What a stored document may hold: what is accepted reads back, and leaves filters below it working."""

import itertools
import json
from collections.abc import Mapping
from typing import Any

import grpc
import pytest

from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway

SERVICE = "values.v1.ModernService"
FLOAT_MAX = 3.4028234663852886e38
BELOW = (
    *(f"{name}.text = x" for name in ("paper", "spelled", "note", "spelled_note")),
    *(f"{name}.a = x" for name in ("json_text", "jsonb_text", "loose")),
)
"""Filters below every column that is a document."""


_keys = itertools.count(1)


@pytest.fixture(scope="module")
async def gateway(module_gateway_for: GatewayFor) -> RunningGateway:
    return await module_gateway_for("values")


def _modern(gateway: RunningGateway, fields: Mapping[str, Any]) -> Any:
    return gateway.client.message("values.v1.Modern", {"id": next(_keys), **fields})


async def _write(gateway: RunningGateway, method: str, modern: Any) -> Any:
    request = gateway.client.message(f"values.v1.{method}Request")
    if method.startswith("Bulk"):
        request.moderns.append(modern)
    elif method.startswith("Batch"):
        request.requests.add().modern.CopyFrom(modern)
    else:
        request.modern.CopyFrom(modern)
    return await gateway.call(f"{SERVICE}/{method}", request)


METHODS = ["CreateModern", "BatchCreateModerns", "BulkUpsertModerns"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("single", [FLOAT_MAX, -FLOAT_MAX, 1e-45, 0.1, "NaN", "-Infinity", -0.0])
async def test_a_float_of_a_document_comes_back(
    gateway: RunningGateway, method: str, single: float | str
) -> None:
    paper = {"single": single, "ratio": 3.4028235e38}
    fields: dict[str, Any] = {"spelled": {**paper, "papers": [paper]}, "spelledNote": {"single": single}}
    if single != 0:  # jsonb has no negative zero
        fields |= {"paper": paper, "note": {"single": single}}
    sent = _modern(gateway, fields)
    await _write(gateway, method, sent)
    got = await gateway.call(f"{SERVICE}/GetModern", id=sent.id)
    assert got.SerializeToString(deterministic=True) == sent.SerializeToString(deterministic=True)
    await gateway.call(f"{SERVICE}/ListModerns")


async def test_a_float_that_others_stored_by_its_shortest_digits_is_read(gateway: RunningGateway) -> None:
    await gateway.call(f"{SERVICE}/CreateModern", modern={"id": 1_000_000})
    stored = '{"single": 3.4028235E38, "ratio": 3.4028235e+38}'
    await gateway.sql("UPDATE modern SET spelled = $1::json WHERE id = 1000000", stored)
    got = await gateway.call(f"{SERVICE}/GetModern", id=1_000_000)
    assert (got.spelled.single, got.spelled.ratio) == (FLOAT_MAX, 3.4028235e38)


async def test_a_row_that_cannot_be_read_is_named_and_can_be_left_out(gateway: RunningGateway) -> None:
    modern = _modern(gateway, {})
    await _write(gateway, "CreateModern", modern)
    await gateway.sql("""UPDATE modern SET spelled = '{"single": 1e39}' WHERE id = $1""", modern.id)
    with pytest.raises(RpcFailed) as caught:
        await gateway.call(f"{SERVICE}/ListModerns", page_size=1000)
    assert (caught.value.code, caught.value.fields) == (grpc.StatusCode.DATA_LOSS, ["spelled"])
    assert f"id={modern.id} " in caught.value.message
    everything = await gateway.call(f"{SERVICE}/ListModerns", page_size=1000, read_mask="id")
    others = await gateway.call(f"{SERVICE}/ListModerns", page_size=1000, filter=f"id != {modern.id}")
    assert len(everything.moderns) == len(others.moderns) + 1
    await gateway.sql("DELETE FROM modern WHERE id = $1", modern.id)


NUL = "a\0b"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("spelled", {"text": NUL}, "NUL_IN_TEXT"),
        ("paper", {"text": NUL}, "NUL_IN_TEXT"),
        ("papers", {NUL: {}}, "NUL_IN_TEXT"),
        ("loose", {"a": NUL}, "NUL_IN_TEXT"),
        ("loose", {NUL: 1}, "NUL_IN_TEXT"),
        ("struct", {"a": [NUL]}, "NUL_IN_TEXT"),
        ("jsonText", json.dumps({"a": NUL}), "NUL_IN_TEXT"),
        ("jsonbText", json.dumps({NUL: 1}), "NUL_IN_TEXT"),
        ("spelledNote", {"text": NUL}, "NUL_IN_TEXT"),
        ("jsonText", '{"a": 1e999999}', "OUT_OF_RANGE"),
        ("jsonbText", '{"a": 1e9999999999999999999}', "OUT_OF_RANGE"),
        ("jsonText", '{"a": 1e-99999}', "OUT_OF_RANGE"),
        ("jsonbText", '{"a": 0e-99999}', "OUT_OF_RANGE"),
        ("jsonbText", '{"a": [-0.0]}', "INEXACT"),
        ("jsonText", '{"a": NaN}', "INVALID_JSON"),
    ],
)
async def test_what_no_filter_could_read_is_refused(
    gateway: RunningGateway, method: str, field: str, value: Any, reason: str
) -> None:
    sent = _modern(gateway, {field: value})
    with pytest.raises(RpcFailed) as caught:
        await _write(gateway, method, sent)
    assert caught.value.reason == reason
    (path,) = caught.value.fields
    assert path.rpartition(".")[2] == sent.ListFields()[-1][0].name


async def test_filters_below_every_document_go_on_working(gateway: RunningGateway) -> None:
    rows = [
        {"jsonText": r'{"a": "x", "b": "\\u0000", "a": "x"}', "loose": {"a": "x", "n": 1e308}},
        {"jsonText": "[-0.0, 1e400, 1E-400]", "spelled": {"text": "x", "ratio": -0.0, "single": FLOAT_MAX}},
        {"jsonText": '"1e999999"', "jsonbText": '{"a": "x", "n": 1e400}', "paper": {"text": "x"}},
        {"jsonText": "1" * 100_000, "note": {"text": "x"}, "spelledNote": {"text": "x"}},
    ]
    for row in rows:
        await _write(gateway, "CreateModern", _modern(gateway, row))
    for text in BELOW:
        found = await gateway.call(f"{SERVICE}/ListModerns", filter=text)
        assert len(found.moderns) == 1, text


UNNAMED = 77
PLACES: Mapping[str, Any] = {
    "kind": lambda paper: setattr(paper, "kind", UNNAMED),
    "maybe": lambda paper: setattr(paper, "maybe", UNNAMED),
    "kinds[1]": lambda paper: paper.kinds.extend([1, UNNAMED]),
    "named[a]": lambda paper: paper.named.update(a=UNNAMED),
    "inner.kind": lambda paper: setattr(paper.inner, "kind", UNNAMED),
    "papers[0].kind": lambda paper: setattr(paper.papers.add(), "kind", UNNAMED),
    "nothing": lambda paper: setattr(paper, "nothing", UNNAMED),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("column", ["paper", "spelled", "papers", "listed", "note", "spelled_note"])
async def test_an_enum_number_without_a_name_is_refused_anywhere_in_a_document(
    gateway: RunningGateway, method: str, column: str
) -> None:
    for place, put in PLACES.items() if "note" not in column else [("kind", PLACES["kind"])]:
        sent = _modern(gateway, {})
        field = getattr(sent, column)
        put(field["x"] if column == "papers" else field.add() if column == "listed" else field)
        with pytest.raises(RpcFailed) as caught:
            await _write(gateway, method, sent)
        assert caught.value.reason == "UNKNOWN_ENUM_VALUE"
        assert caught.value.fields[0].rpartition(".")[2] == column
        assert place in caught.value.message


@pytest.mark.parametrize("method", METHODS)
async def test_an_enum_number_without_a_name_is_refused_in_a_list_that_is_a_document(
    gateway: RunningGateway, method: str
) -> None:
    with pytest.raises(RpcFailed) as caught:
        await _write(gateway, method, _modern(gateway, {"kinds": [1, UNNAMED]}))
    assert caught.value.reason == "UNKNOWN_ENUM_VALUE"
    assert "kinds[1]" in caught.value.message


async def test_a_packed_message_is_looked_into(gateway: RunningGateway) -> None:
    for change, reason in (
        (lambda paper: setattr(paper, "kind", UNNAMED), "UNKNOWN_ENUM_VALUE"),
        (lambda paper: paper.MergeFromString(b"\xf8\x7f\x01"), "UNKNOWN_FIELDS"),
        (lambda paper: setattr(paper, "text", NUL), "NUL_IN_TEXT"),
    ):
        sent = _modern(gateway, {})
        inner = gateway.client.message("values.v1.Paper")
        change(inner)
        sent.paper.any.type_url = "type.googleapis.com/values.v1.Paper"
        sent.paper.any.value = inner.SerializeToString()
        with pytest.raises(RpcFailed) as caught:
            await _write(gateway, "CreateModern", sent)
        assert (caught.value.reason, caught.value.fields) == (reason, ["modern.paper"])
