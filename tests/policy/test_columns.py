"""Columns by role: for who may not read one there is no such field; who may not write one changes none."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from google.rpc import code_pb2

from tests.harness.callers import Caller, clients_of, write_keys
from tests.harness.client import Client, RpcFailed
from tests.harness.gateway import RunningGateway

EMPLOYEES = "payroll.v1.EmployeeService"
DENIED = ("PERMISSION_DENIED", "FIELD_NOT_ALLOWED")
CALLERS = (
    Caller("hr", roles=("hr",)),
    Caller("boss", roles=("boss",)),
    Caller("guard", roles=("guard",)),
    Caller("ann"),
    Caller("all", roles=("hr", "guard")),
)
SEEN = {
    "hr": {"id", "login", "salary", "title", "notes"},
    "boss": {"id", "login", "salary", "title"},
    "guard": {"id", "login", "badge", "title"},
    "ann": {"id", "login", "title"},
    "all": {"id", "login", "salary", "badge", "title", "notes"},
}
WHOLE = {"id": 1, "login": "ann", "salary": 900, "badge": "b-1", "title": "clerk", "notes": {"secret": "x"}}

Clients = Mapping[str, Client]


@pytest.fixture
async def served(
    gateway_for: Callable[..., Awaitable[RunningGateway]], tmp_path: Path
) -> AsyncIterator[tuple[RunningGateway, Clients]]:
    path = tmp_path / "keys.json"
    keys = write_keys(path, CALLERS)
    gateway = await gateway_for("payroll", auth_providers="api_key", auth_api_keys=path)
    async with clients_of(gateway, "payroll", keys) as clients:
        await clients["all"].call(f"{EMPLOYEES}/CreateEmployee", employee=WHOLE)
        yield gateway, clients


async def refusal(client: Client, method: str, **fields: Any) -> RpcFailed:
    with pytest.raises(RpcFailed) as refused:
        await client.call(f"{EMPLOYEES}/{method}", **fields)
    return refused.value


async def refused(client: Client, method: str, **fields: Any) -> tuple[str, str]:
    error = await refusal(client, method, **fields)
    return error.code.name, error.reason


def fields_of(message: Any) -> set[str]:
    return {descriptor.name for descriptor, _ in message.ListFields()}


@pytest.mark.parametrize("name", SEEN)
async def test_answers(served: tuple[RunningGateway, Clients], name: str) -> None:
    """Of every method that answers rows, with and without a mask."""
    _, clients = served
    client, seen = clients[name], SEEN[name]
    assert fields_of(await client.call(f"{EMPLOYEES}/GetEmployee", id=1)) == seen
    assert fields_of(await client.call(f"{EMPLOYEES}/GetEmployee", id=1, readMask="*")) == seen
    (listed,) = (await client.call(f"{EMPLOYEES}/ListEmployees")).employees
    (got,) = (await client.call(f"{EMPLOYEES}/BatchGetEmployees", ids=[1])).employees
    (streamed,) = [chunk async for chunk in client.stream(f"{EMPLOYEES}/StreamEmployees")]
    assert fields_of(listed) == fields_of(got) == fields_of(streamed.employees[0]) == seen
    same = {"id": 1, "login": "ann"}
    assert (
        fields_of(await client.call(f"{EMPLOYEES}/UpdateEmployee", employee=same, updateMask="login")) == seen
    )
    made = await client.call(f"{EMPLOYEES}/CreateEmployee", employee={"id": 2, "login": "new"})
    assert fields_of(made) <= seen
    deleted = await client.call(f"{EMPLOYEES}/DeleteEmployee", id=2)
    assert fields_of(deleted) <= seen


async def test_filters_orders_and_masks_know_no_hidden_field(served: tuple[RunningGateway, Clients]) -> None:
    _, clients = served
    for asked in (
        {"filter": "salary > 800"},
        {"filter": 'notes.secret = "x"'},
        {"orderBy": "salary"},
        {"readMask": "salary"},
    ):
        error = await refusal(clients["ann"], "ListEmployees", **asked)
        unknown = {
            key: value.replace("salary", "wages").replace("notes", "words") for key, value in asked.items()
        }
        other = await refusal(clients["ann"], "ListEmployees", **unknown)
        assert (error.code, error.reason) == (other.code, other.reason)
        assert (
            error.message.replace("salary", "X").replace("notes", "X").split("\n")[0]
            == (other.message.replace("wages", "X").replace("words", "X").split("\n")[0])
        )
        assert len((await clients["hr"].call(f"{EMPLOYEES}/ListEmployees", **asked)).employees) == 1
    assert await refused(clients["ann"], "CountEmployees", filter="salary = 900") == (
        "INVALID_ARGUMENT",
        "INVALID_FILTER",
    )
    assert await refused(clients["ann"], "ListEmployees", badge="b-1") == DENIED
    assert len((await clients["guard"].call(f"{EMPLOYEES}/ListEmployees", badge="b-1")).employees) == 1
    # A bare word is looked for in the columns that the caller may read.
    assert not (await clients["ann"].call(f"{EMPLOYEES}/ListEmployees", filter='"b-1"')).employees


async def test_rules_may_ask_for_hidden_columns(served: tuple[RunningGateway, Clients]) -> None:
    gateway, clients = served
    await gateway.sql("UPDATE employee SET salary = 5000 WHERE id = 1")
    assert await refused(clients["guard"], "GetEmployee", id=1) == ("NOT_FOUND", "ROW_NOT_FOUND")
    assert (await clients["ann"].call(f"{EMPLOYEES}/GetEmployee", id=1)).login == "ann"
    assert await refused(clients["guard"], "UpdateEmployee", employee={"id": 1, "login": "x"}) == (
        "NOT_FOUND",
        "ROW_NOT_FOUND",
    )


async def test_what_may_not_be_written_is_left_alone(served: tuple[RunningGateway, Clients]) -> None:
    gateway, clients = served

    async def stored() -> dict[str, Any]:
        ((row),) = await gateway.sql("SELECT login, salary, badge, title FROM employee WHERE id = 1")
        return dict(row)

    before = await stored()
    for name in ("ann", "guard", "boss"):
        read = await clients[name].call(f"{EMPLOYEES}/GetEmployee", id=1)
        read.login = name
        update = clients[name].message("payroll.v1.UpdateEmployeeRequest", {"updateMask": "*"})
        update.employee.CopyFrom(read)
        await clients[name].call(f"{EMPLOYEES}/UpdateEmployee", update)
        assert await stored() == {**before, "login": name}
        await gateway.sql("UPDATE employee SET login = 'ann' WHERE id = 1")
    for name, field, value in (
        ("ann", "salary", 1),
        ("ann", "title", "x"),
        ("boss", "salary", 1),
        ("hr", "badge", "b"),
    ):
        row = {"id": 1, field: value}
        error = await refusal(clients[name], "UpdateEmployee", employee=row, updateMask=field)
        assert (error.code.name, error.reason, error.fields) == (*DENIED, ["update_mask"])
        requests = [{"employee": row, "updateMask": field}]
        error = await refusal(clients[name], "BatchUpdateEmployees", requests=requests)
        assert (error.reason, error.fields) == (DENIED[1], ["requests[0].update_mask"])
    assert await stored() == before
    await clients["boss"].call(
        f"{EMPLOYEES}/UpdateEmployee", employee={"id": 1, "title": "chief"}, updateMask="title"
    )
    assert await stored() == {**before, "title": "chief"}


async def test_new_rows_hold_nothing_that_may_not_be_written(served: tuple[RunningGateway, Clients]) -> None:
    gateway, clients = served
    row = {"id": 7, "login": "x", "salary": 5}
    for name in ("ann", "guard", "boss"):
        error = await refusal(clients[name], "CreateEmployee", employee=row)
        assert (error.code.name, error.reason, error.fields) == (*DENIED, ["employee.salary"])
        error = await refusal(clients[name], "BatchCreateEmployees", requests=[{"employee": row}])
        assert (error.reason, error.fields) == (DENIED[1], ["requests[0].employee.salary"])
        error = await refusal(clients[name], "BulkUpsertEmployees", employees=[{"id": 8, "login": "y"}, row])
        assert (error.reason, error.fields) == (DENIED[1], ["employees[1].salary"])
        start = {"streamId": f"{name}'s", "updateMask": "login,salary"}
        with pytest.raises(RpcFailed) as failed:
            await clients[name].converse(f"{EMPLOYEES}/IngestEmployees").ask(start=start)
        assert (failed.value.reason, failed.value.fields) == (DENIED[1], ["start.update_mask"])
        ingest = clients[name].converse(f"{EMPLOYEES}/IngestEmployees")
        await ingest.ask(start={"streamId": name})
        with pytest.raises(RpcFailed) as failed:
            await ingest.ask(sequence=1, employees=[row])
        assert (failed.value.reason, failed.value.fields) == (DENIED[1], ["employees[0].salary"])
    assert await gateway.sql("SELECT id FROM employee WHERE id > 1") == []
    plain = {"id": 1, "login": "renamed"}
    await clients["ann"].call(f"{EMPLOYEES}/BulkUpsertEmployees", employees=[plain])
    ((stored),) = await gateway.sql("SELECT login, salary, badge, title FROM employee WHERE id = 1")
    assert tuple(stored.values()) == ("renamed", 900, "b-1", "clerk")


async def test_rows_that_set_what_may_not_be_written_fail_alone(
    served: tuple[RunningGateway, Clients],
) -> None:
    """Where failures are partial, and whether the row is stored or not; of BulkUpsert and Ingest."""
    gateway, clients = served
    forbidden: list[dict[str, Any]] = [
        {"salary": 1},
        {"badge": "b-2"},
        {"title": "x"},
        {"account": "***2051"},
    ]
    rows: list[dict[str, Any]] = [
        {"id": number, "login": "x", **more} for number, more in enumerate([{}, *forbidden, {}], 1)
    ]
    employees = {"employees": rows}
    whole = await refusal(clients["ann"], "BulkUpsertEmployees", **employees)
    fields = [f"employees[{index}].{name}" for index, one in enumerate(forbidden, 1) for name in one]
    assert (whole.reason, whole.fields) == (DENIED[1], fields)
    answer = await clients["ann"].call(f"{EMPLOYEES}/BulkUpsertEmployees", **employees, partialFailure=True)
    talk = clients["ann"].converse(f"{EMPLOYEES}/IngestEmployees")
    await talk.ask(start={"stream_id": "s", "partial_failure": True})
    streamed = await talk.ask(sequence=1, employees=[{**one, "id": 100 + one["id"]} for one in rows])
    for told, inserted in ((answer, 1), (streamed, 2)):
        assert (told.inserted_count, told.failed_count) == (inserted, 4)
        assert [failure.index for failure in told.failures] == [1, 2, 3, 4]
        assert {failure.status.code for failure in told.failures} == {code_pb2.PERMISSION_DENIED}
        assert all(field in str(f.status) for field, f in zip(fields, told.failures, strict=True))
    stored = await gateway.sql("SELECT id, salary, badge FROM employee ORDER BY id")
    assert [tuple(one.values()) for one in stored] == [
        (1, 900, "b-1"),
        *((n, 0, None) for n in (6, 101, 106)),
    ]


async def test_a_hidden_unique_key_is_told_without_its_field(served: tuple[RunningGateway, Clients]) -> None:
    _, clients = served
    await clients["all"].call(f"{EMPLOYEES}/CreateEmployee", employee={**WHOLE, "id": 3, "badge": "b-3"})
    error = await refusal(
        clients["guard"], "UpdateEmployee", employee={"id": 3, "badge": "b-1"}, updateMask="badge"
    )
    assert (error.reason, error.fields) == ("UNIQUE_VIOLATION", ["employee.badge"])
    assert await refused(clients["ann"], "BulkUpsertEmployees", conflictTarget=["badge"], employees=[]) == (
        "INVALID_ARGUMENT",
        "UNKNOWN_CONFLICT_TARGET",
    )


async def test_refusals_name_what_was_named(served: tuple[RunningGateway, Clients]) -> None:
    """In an update mask the field; what reads ask for isn't set."""
    _, clients = served
    row = {"id": 1, "title": "x"}
    masked = await refusal(clients["ann"], "UpdateEmployee", employee=row, updateMask="title")
    assert (masked.message, masked.fields) == (
        'update_mask: "title" may not be set by the caller',
        ["update_mask"],
    )
    talk = clients["ann"].converse(f"{EMPLOYEES}/IngestEmployees")
    with pytest.raises(RpcFailed) as streamed:
        await talk.ask(start={"stream_id": "s", "update_mask": "badge"})
    assert streamed.value.message == 'start.update_mask: "badge" may not be set by the caller'
