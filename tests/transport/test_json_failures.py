"""Rows that bulk writes refuse, told in JSON, of a schema that doesn't import what errors are made of."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.descriptor import Descriptor
from google.rpc import error_details_pb2

from gateway.schema.protojson.form import JsonForm
from tests.conftest import gateways
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway
from tests.harness.http import ask
from tests.transport.json.pools import descriptor
from tests.transport.test_connect import envelope, envelopes

SERVICE = "payroll.v1.EmployeeService"
ROWS = [{"id": "7", "login": "a"}, {"id": "8", "login": "b\0"}, {"id": "7", "login": "c"}]
DETAILS = sorted(error_details_pb2.DESCRIPTOR.message_types_by_name.items())


@pytest.fixture(scope="module")
async def payroll(databases: Databases) -> AsyncIterator[RunningGateway]:
    """Serve the employees, for the module."""
    async with gateways(databases, transport="http") as start:
        yield await start("payroll")


@pytest.fixture(autouse=True)
async def _no_rows(payroll: RunningGateway) -> None:
    await payroll.sql("TRUNCATE employee")


@pytest.mark.parametrize("path", ["/v1/employees:bulkUpsert", f"/{SERVICE}/BulkUpsertEmployees"])
async def test_a_partial_bulk_upsert(payroll: RunningGateway, path: str) -> None:
    """By REST and by Connect."""
    answer = await ask(payroll.target, "POST", path, {"employees": ROWS, "partialFailure": True})
    assert answer.status == 200, answer
    check(answer.json)
    assert [row["login"] for row in await payroll.sql("SELECT login FROM employee")] == ["c"]


async def test_a_partial_ingest(payroll: RunningGateway) -> None:
    parts = [{"start": {"streamId": "s", "partialFailure": True}}, {"sequence": "1", "employees": ROWS}]
    lines = b"".join(envelope(json.dumps(part).encode()) for part in parts)
    path, kind = f"/{SERVICE}/IngestEmployees", "application/connect+json"
    answer = await ask(payroll.target, "POST", path, lines, {"content-type": kind})
    _, (_, stored), (last, ended) = envelopes(answer.body)
    assert (last, ended) == (2, {})
    check(stored)


def check(answer: dict[str, Any]) -> None:
    """Check that the second row alone is told to be wrong, by whole details."""
    (failure,) = answer["failures"]
    assert (failure["index"], answer["failedCount"], answer["insertedCount"]) == (1, "1", "1")
    info, request = failure["status"]["details"]
    assert info["@type"] == "type.googleapis.com/google.rpc.ErrorInfo"
    assert (info["reason"], info["domain"]) == ("NUL_IN_TEXT", "rowgate")
    assert request["@type"] == "type.googleapis.com/google.rpc.BadRequest"
    assert [one["field"] for one in request["fieldViolations"]] == ["employees[1].login"]


@pytest.mark.parametrize("detail", [detail for _, detail in DETAILS], ids=[name for name, _ in DETAILS])
def test_every_detail_is_known(detail: Descriptor) -> None:
    """Each of google/rpc/error_details.proto, which the schema's own files lack."""
    failure = descriptor("payroll", "rowgate.v1.RowFailure")
    with pytest.raises(KeyError):
        failure.file.pool.FindMessageTypeByName(detail.full_name)
    message = JsonForm(failure)
    packed = Packed(type_url=f"type.googleapis.com/{detail.full_name}")
    text = message.of_bytes(b"\x12" + _sized(b"\x1a" + _sized(packed.SerializeToString())))
    assert json.loads(text)["status"]["details"] == [{"@type": packed.type_url}]


def _sized(message: bytes) -> bytes:
    return bytes([len(message)]) + message
