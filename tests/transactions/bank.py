"""The bank of these tests: accounts, and requests that move money between them."""

from typing import Any

from tests.harness.client import Client
from tests.harness.gateway import RunningGateway

ACCOUNTS = "bank.v1.AccountService"
TRANSFERS = "bank.v1.TransferService"
TRANSACT = "bank.v1.BankService/Transact"
SESSION = "bank.v1.BankService/Session"


def step(method: str, request: dict[str, Any], /, **fields: Any) -> dict[str, Any]:
    """Return a step that calls `package.Service/Method`."""
    name = method.rpartition("/")[2]
    packed = {"@type": f"type.googleapis.com/bank.v1.{name}Request", **request}
    return {"method": method.replace("/", "."), "request": packed, **fields}


def open_account(name: str, cents: int = 0, **fields: Any) -> dict[str, Any]:
    """Return a step that opens an account."""
    return step(f"{ACCOUNTS}/CreateAccount", {"account": {"id": name, "cents": cents, **fields}})


def set_cents(name: str, cents: int, etag: str = "") -> dict[str, Any]:
    """Return a step that sets what is on an account, which has to be at a version where one is given."""
    account = {"id": name, "cents": cents, "etag": etag}
    return step(f"{ACCOUNTS}/UpdateAccount", {"account": account, "updateMask": "cents"})


def get_account(name: str) -> dict[str, Any]:
    """Return a step that reads an account."""
    return step(f"{ACCOUNTS}/GetAccount", {"id": name})


def bound(from_step: int, from_path: str, to_path: str) -> dict[str, Any]:
    """Return a binding."""
    return {"from_step": from_step, "from_path": from_path, "to_path": to_path}


async def accounts(gateway: RunningGateway) -> dict[str, int]:
    """Return what is on each account."""
    return {row["id"]: row["cents"] for row in await gateway.sql("SELECT id, cents FROM account ORDER BY id")}


async def transact(client: Client, *steps: dict[str, Any], **fields: Any) -> list[Any]:
    """Carry out steps; return the responses' messages."""
    response = await client.call(TRANSACT, {"steps": list(steps), **fields})
    return [client.unpacked(one) for one in response.responses]
