"""Masks: who may not read a column sees something else in its place, and can't ask for what it holds."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from time import time
from typing import Any
from uuid import uuid4

import pytest
from google.protobuf.json_format import MessageToDict

from tests.auth.issuer import AUDIENCE, ISSUER, Signer, key_set
from tests.harness.callers import Caller, clients_of, write_keys
from tests.harness.client import Client, RpcFailed
from tests.harness.gateway import RunningGateway

EMPLOYEES = "payroll.v1.EmployeeService"
DENIED = ("PERMISSION_DENIED", "FIELD_NOT_ALLOWED")
CALLERS = (Caller("hr", roles=("hr",)), Caller("ann"))
ACCOUNT = "DE02120300000000202051"
SECRET = {
    "account": ACCOUNT,
    "phone": "+49 170 1234",
    "email": "ann@example.org",
    "born": {"year": 1987, "month": 6, "day": 5},
    "hired": "2019-12-31T23:59:59Z",
}
MASKED = {
    "account": "***2051",
    "phone": "+49***",
    "email": "somebody",
    "born": {"year": 1987, "month": 1, "day": 1},
    "hired": "2019-01-01T00:00:00Z",
}
ALL = "account, phone, email, born, hired"


class Payroll:
    """The served employees, and how callers call."""

    def __init__(self, gateway: RunningGateway, clients: Mapping[str, Client]) -> None:
        self.gateway = gateway
        self.clients = clients

    async def call(self, name: str, method: str, **fields: Any) -> Any:
        """Call a method of the employees on behalf of a caller."""
        return await self.clients[name].call(f"{EMPLOYEES}/{method}", **fields)

    async def refusal(self, name: str, method: str, **fields: Any) -> RpcFailed:
        """Return the refusal of such a call."""
        with pytest.raises(RpcFailed) as failed:
            await self.call(name, method, **fields)
        return failed.value

    async def stored(self, number: int = 1) -> dict[str, Any]:
        """Return what the masked columns of a row hold."""
        ((row),) = await self.gateway.sql(f"SELECT {ALL} FROM employee WHERE id = {number}")  # noqa: S608
        return dict(row)


@pytest.fixture
async def payroll(
    gateway_for: Callable[..., Awaitable[RunningGateway]], tmp_path: Path
) -> AsyncIterator[Payroll]:
    path = tmp_path / "keys.json"
    keys = write_keys(path, CALLERS)
    gateway = await gateway_for("payroll", auth_providers="api_key", auth_api_keys=path)
    async with clients_of(gateway, "payroll", keys) as clients:
        await clients["hr"].call(
            f"{EMPLOYEES}/CreateEmployee", employee={"id": 1, "login": "ann", "salary": 9, **SECRET}
        )
        yield Payroll(gateway, clients)


def shown(message: Any) -> dict[str, Any]:
    """Return what a row's message holds of the masked columns."""
    fields = MessageToDict(message, preserving_proto_field_name=True)
    return {name: value for name, value in fields.items() if name in SECRET}


async def test_every_answer_holds_the_mask(payroll: Payroll) -> None:
    for name, due in (("hr", SECRET), ("ann", MASKED)):
        assert shown(await payroll.call(name, "GetEmployee", id=1)) == due
        assert shown(await payroll.call(name, "GetEmployee", id=1, readMask="phone")) == {
            "phone": due["phone"]
        }
        (listed,) = (await payroll.call(name, "ListEmployees")).employees
        (got,) = (await payroll.call(name, "BatchGetEmployees", ids=[1])).employees
        stream = payroll.clients[name].stream(f"{EMPLOYEES}/StreamEmployees")
        ((streamed,),) = [chunk.employees async for chunk in stream]
        same = {"employee": {"id": 1, "login": "ann"}, "updateMask": "login"}
        updated = await payroll.call(name, "UpdateEmployee", **same)
        (batch,) = (await payroll.call(name, "BatchUpdateEmployees", requests=[same])).employees
        dry = await payroll.call(name, "UpdateEmployee", **same, validateOnly=True)
        missing = await payroll.call(name, "UpdateEmployee", **same, allowMissing=True)
        for message in (listed, got, streamed, updated, batch, dry, missing):
            assert shown(message) == due


async def test_null_and_short_texts(payroll: Payroll) -> None:
    """NULL stays NULL, and of a text never more than half is shown."""
    await payroll.gateway.sql(
        "UPDATE employee SET account = '1234567', phone = '', email = NULL, born = NULL, hired = NULL"
    )
    assert shown(await payroll.call("ann", "GetEmployee", id=1)) == {"account": "***", "phone": "***"}
    await payroll.gateway.sql("UPDATE employee SET account = 'é𝄞345678', phone = 'ünï456'")
    assert shown(await payroll.call("ann", "GetEmployee", id=1)) == {"account": "***5678", "phone": "ünï***"}
    await payroll.gateway.sql("UPDATE employee SET account = NULL, born = '2004-02-29'")
    answer = shown(await payroll.call("ann", "GetEmployee", id=1))
    assert answer == {"phone": "ünï***", "born": {"year": 2004, "month": 1, "day": 1}}


@pytest.mark.parametrize("born", ["'infinity'", "'4713-05-06 BC'", "'5874897-01-02'"])
async def test_a_date_that_no_message_holds_is_told_as_none(payroll: Payroll, born: str) -> None:
    await payroll.gateway.sql(f"UPDATE employee SET born = {born}")  # noqa: S608 - a date of this test
    error = await payroll.refusal("ann", "GetEmployee", id=1)
    assert (error.code.name, error.fields) == ("DATA_LOSS", ["born"])
    assert "4713" not in repr(error.trailers)
    assert "5874897" not in repr(error.trailers)
    assert shown(await payroll.call("ann", "GetEmployee", id=1, readMask="phone")) == {"phone": "+49***"}


async def test_nothing_can_be_asked_of_a_masked_column(payroll: Payroll) -> None:
    """It isn't known, in the very words in which a field that there isn't is told."""
    for asked in (
        {"filter": f'account = "{ACCOUNT}"'},
        {"filter": 'account = "***2051"'},
        {"filter": 'account.startsWith("DE")'},
        {"filter": "NOT account:*"},
        {"orderBy": "account desc"},
    ):
        error = await payroll.refusal("ann", "ListEmployees", **asked)
        unknown = {key: value.replace("account", "acc0unt") for key, value in asked.items()}
        other = await payroll.refusal("ann", "ListEmployees", **unknown)
        assert (error.code, error.reason) == (other.code, other.reason)
        assert error.message.split("\n")[0].replace("account", "X") == other.message.split("\n")[0].replace(
            "acc0unt", "X"
        )
        stream = payroll.clients["ann"].stream(f"{EMPLOYEES}/StreamEmployees", **asked)
        with pytest.raises(RpcFailed):
            [chunk async for chunk in stream]
    counted = await payroll.refusal("ann", "CountEmployees", filter=f'account = "{ACCOUNT}"')
    assert counted.reason == "INVALID_FILTER"
    for account in (ACCOUNT, "***2051"):
        error = await payroll.refusal("ann", "ListEmployees", account=account)
        assert (error.code.name, error.reason) == DENIED
    for word in ("2051", "somebody", "ann@example.org", "+49"):
        assert not (await payroll.call("ann", "ListEmployees", filter=f'"{word}"')).employees
    error = await payroll.refusal("ann", "BulkUpsertEmployees", conflictTarget=["account"], employees=[])
    assert error.reason == "UNKNOWN_CONFLICT_TARGET"
    assert "account" not in error.message.split("those are")[1]
    assert len((await payroll.call("hr", "ListEmployees", account=ACCOUNT)).employees) == 1


async def test_what_is_masked_is_never_written(payroll: Payroll) -> None:
    """A row that is sent back as it was read changes nothing of it; who names it is refused."""
    before = await payroll.stored()
    read = await payroll.call("ann", "GetEmployee", id=1)
    read.login = "renamed"
    for mask in ("*", "", "login"):
        update = payroll.clients["ann"].message("payroll.v1.UpdateEmployeeRequest", {"updateMask": mask})
        update.employee.CopyFrom(read)
        assert shown(await payroll.clients["ann"].call(f"{EMPLOYEES}/UpdateEmployee", update)) == MASKED
        assert await payroll.stored() == before
    for name, value in SECRET.items():
        row = {"id": 1, name: value}
        error = await payroll.refusal("ann", "UpdateEmployee", employee=row, updateMask=name)
        assert (error.code.name, error.reason, error.fields) == (*DENIED, ["update_mask"])
        new = {"id": 2, "login": "new", name: value}
        error = await payroll.refusal("ann", "CreateEmployee", employee=new)
        assert (error.code.name, error.reason, error.fields) == (*DENIED, [f"employee.{name}"])
        error = await payroll.refusal("ann", "BulkUpsertEmployees", employees=[new])
        assert (error.reason, error.fields) == (DENIED[1], [f"employees[0].{name}"])
        error = await payroll.refusal("ann", "BulkUpsertEmployees", employees=[row], updateMask=name)
        assert error.reason == DENIED[1]
    await payroll.call("ann", "BulkUpsertEmployees", employees=[{"id": 1, "login": "bulk"}])
    assert await payroll.stored() == before


async def test_errors_name_no_masked_column(payroll: Payroll) -> None:
    """Whatever the database says of it, the caller hears what is said of a hidden one."""
    await payroll.gateway.sql("ALTER TABLE employee ALTER phone SET NOT NULL")
    new = {"id": 5, "login": "new"}
    assert (await payroll.refusal("hr", "CreateEmployee", employee=new)).fields == ["employee.phone"]
    error = await payroll.refusal("ann", "CreateEmployee", employee=new)
    assert (error.reason, error.fields) == ("NOT_NULL_VIOLATION", [])


async def test_a_repeated_request_is_answered_by_what_the_caller_may_see_now(
    gateway_for: Callable[..., Awaitable[RunningGateway]], tmp_path: Path
) -> None:
    """The first answer isn't one for somebody who has lost a role since."""
    signer = Signer("es")
    (tmp_path / "issuer.json").write_bytes(key_set(signer))
    settings = {"jwt_issuer": ISSUER, "jwt_audience": AUDIENCE, "jwt_keys_file": tmp_path / "issuer.json"}
    gateway = await gateway_for(
        "payroll", auth_providers="jwt", **{f"auth_{name}": value for name, value in settings.items()}
    )
    tokens = {
        name: signer.token(sub="ann", roles=roles, exp=int(time()) + 3600)
        for name, roles in {"before": ["hr"], "after": []}.items()
    }
    async with clients_of(gateway, "payroll", tokens) as clients:
        await clients["before"].call(
            f"{EMPLOYEES}/CreateEmployee", employee={"id": 1, "login": "ann", **SECRET}
        )
        request = {"employee": {"id": 1, "login": "ann"}, "updateMask": "login", "requestId": str(uuid4())}
        for _ in range(2):
            answer = await clients["before"].call(f"{EMPLOYEES}/UpdateEmployee", **request)
            assert shown(answer) == SECRET
        with pytest.raises(RpcFailed) as failed:
            await clients["after"].call(f"{EMPLOYEES}/UpdateEmployee", **request)
        assert failed.value.reason == "REQUEST_ID_REUSED"
