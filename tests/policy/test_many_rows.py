"""Requests of many rows, of tables whose columns are some callers' alone or preset."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from google.protobuf.message_factory import GetMessageClass

from gateway.auth.principal import AUTHENTICATED_ROLE, Principal
from gateway.errors import InvalidArgument
from gateway.methods import HANDLERS, Engine, event_loop_turns, handler_of
from gateway.methods.bulk.row_writer import Upserts
from gateway.methods.idempotent import Writes
from gateway.methods.writes.items import MAX_BATCH
from gateway.policy.presets import merged, presets_of
from gateway.request.calls.call import Call
from gateway.schema.tables.metadata import build_tables
from tests.harness.callers import Caller, clients_of, write_keys
from tests.harness.gateway import RunningGateway, schema_of

ANN = Principal("ann", "jwt", frozenset({AUTHENTICATED_ROLE}), {"desk": {"number": 3}})
NON = Principal("non", "jwt", frozenset({AUTHENTICATED_ROLE}))
"""A caller who has no value for a preset."""
FORBIDDEN = {"payroll": {"salary": 1}, "signed": {}}
ROWS = {
    "payroll": ("payroll.v1.EmployeeService", "employee", "Employees"),
    "signed": ("signed.v1.EntryService", "entry", "Entries"),
}
BULK = "payroll.v1.EmployeeService/BulkUpsertEmployees"
COUNT = 50


async def test_calls_of_all_kinds_of_callers_count_together(
    gateway_for: Callable[..., Awaitable[RunningGateway]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `max_concurrent_bulk` says of a method: hr and ann have columns of their own."""
    keys = write_keys(tmp_path / "keys.json", [Caller("hr", roles=("hr",)), Caller("ann")])
    settings = {"auth_providers": "api_key", "auth_api_keys": tmp_path / "keys.json"}
    gateway = await gateway_for("payroll", max_concurrent_bulk=1, **settings)
    arrived, both, writing, most = [], asyncio.Event(), [], 0
    rows, atomically = Upserts.rows, Writes.atomically

    def noting(upserts: Upserts, request: Any) -> Any:
        arrived.append(request)
        if len(arrived) == len(keys):
            both.set()
        return rows(upserts, request)

    async def waiting(writes: Writes, *args: Any) -> Any:
        nonlocal most
        writing.append(args)
        most = max(most, len(writing))
        await both.wait()
        try:
            return await atomically(writes, *args)
        finally:
            writing.pop()

    monkeypatch.setattr(Upserts, "rows", noting)
    monkeypatch.setattr(Writes, "atomically", waiting)
    async with clients_of(gateway, "payroll", keys) as clients:
        calls = (
            client.call(BULK, employees=[{"id": number, "login": name}])
            for number, (name, client) in enumerate(clients.items())
        )
        answers = await asyncio.gather(*calls)
    assert [answer.inserted_count for answer in answers] == [1, 1]
    assert most == 1


def _called(
    schema_name: str, name: str, caller: Principal, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Awaitable[Any]]:
    """Return what calls a method, and answers what its handler is given."""
    schema, nothing = schema_of(schema_name), SimpleNamespace()
    service = ROWS[schema_name][0]
    method = next(
        one for one in schema.services[service].standard_methods if one.full_name == f"{service}.{name}"
    )

    async def answer(request: Any, _: Call) -> Any:
        return request

    async def answers(requests: Any, _: Call) -> Any:
        async for request in requests:
            yield request

    handler = answers if name.startswith("Ingest") else answer
    monkeypatch.setitem(HANDLERS, method.kind, lambda *_: handler)  # type: ignore[arg-type]
    engine = Engine(
        database=nothing,
        reads=nothing,
        writes=nothing,
        tables=build_tables(schema).tables,
        bulk_max_rows=COUNT,
        rules={},
        caller_roles=None,
        presets=merged(presets_of(schema), {}),
        identified=True,
    )
    handle: Any = handler_of(method, engine)
    kind, call = GetMessageClass(method.descriptor.input_type), Call(method.full_name, principal=caller)

    async def one(**fields: Any) -> Any:
        if name.startswith("Ingest"):
            return await anext(handle(_stream(kind(**fields)), call))
        return await handle(kind(**fields), call)

    return one


async def _stream(request: Any) -> Any:
    yield request


async def _turns_during(work: Awaitable[Any]) -> int:
    """Return how often others had their turn meanwhile."""
    task, count = asyncio.ensure_future(work), 0
    while not task.done():
        await asyncio.sleep(0)
        count += 1
    await task
    return count


@pytest.mark.parametrize("schema", ROWS)
async def test_others_have_their_turn_between_two_rows(schema: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _, field, many = ROWS[schema]
    rows = [{"id": number} for number in range(COUNT)]
    requests: Mapping[str, dict[str, Any]] = {
        f"BulkUpsert{many}": {many.lower(): rows},
        f"Ingest{many}": {many.lower(): rows},
        f"BatchCreate{many}": {"requests": [{field: row} for row in rows]},
        f"BatchUpdate{many}": {"requests": [{field: row} for row in rows]},
    }
    monkeypatch.setattr(event_loop_turns, "TURN", 0.0)
    for name, request in _looked_at_before(schema, requests).items():
        called = _called(schema, name, ANN, monkeypatch)
        assert await _turns_during(called(**request)) >= COUNT


@pytest.mark.parametrize("schema", ROWS)
async def test_sizes_are_looked_at_before_rows(schema: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who sends too much of what it may not is told of the size."""
    _, field, many = ROWS[schema]
    row = {"id": 1, **FORBIDDEN[schema]}
    requests: Mapping[str, dict[str, Any]] = {
        f"BulkUpsert{many}": {many.lower(): [row] * (COUNT + 1)},
        f"Ingest{many}": {many.lower(): [row] * (COUNT + 1)},
        f"BatchCreate{many}": {"requests": [{field: row}] * (MAX_BATCH + 1)},
    }
    for name, request in _looked_at_before(schema, requests).items():
        with pytest.raises(InvalidArgument) as refused:
            await _called(schema, name, NON, monkeypatch)(**request)
        assert refused.value.reason == ("BATCH_TOO_LARGE" if "Batch" in name else "TOO_MANY_ROWS")


def _looked_at_before(schema: str, requests: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return those of the methods whose rows are looked at before their handlers.

    What a row of a bulk write may not set is its handler's to tell.
    """
    return {name: one for name, one in requests.items() if schema != "payroll" or "Batch" in name}
