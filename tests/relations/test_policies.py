"""Relations hold what their caller may read of other tables: rows, columns and masks alike."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.json_format import MessageToDict

from tests.harness.callers import Caller, clients_of, write_keys
from tests.harness.client import Client, RpcFailed
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway, serve, start_gateway
from tests.relations.kin import PLURALS, Kin, See, Tree, fill, paths_of

CALLERS = (Caller("P7"), Caller("P9", ["boss"]), Caller("P12", ["hr"]), Caller("P30", ["hr", "boss"]))
_WHOLE: Tree = {"*": {}}
_FAMILY: Tree = {"name": {}, "phone": {}, "parent": {"phone": {}, "employer": _WHOLE}, "children": _WHOLE}
ASKED: Mapping[str, Tree] = {
    "Region": {"towns": {"elders": _FAMILY, "natives": {"name": {}}}},
    "Town": {"name": {}, "elders": {**_WHOLE, "badge": _WHOLE}, "natives": _FAMILY},
    "Person": {**_FAMILY, "badge": {"person": _WHOLE}, "town": {"elders": {"open": {}}}},
    "Badge": {"serial": {}, "person": _FAMILY},
}


class Served(NamedTuple):
    """People who are served to callers.

    Args:
        kin: what is stored.
        clients: by callers' names.

    """

    kin: Kin
    clients: Mapping[str, Client]


def sight_of(caller: Caller) -> See:
    """Return what a caller sees, by the policies' words."""

    def see(name: str, row: Any) -> Any:
        if name == "Employer" and not (row.size < 100 or "boss" in caller.roles):
            return None
        if name != "Person":
            return row
        if not (row.open or row.name == caller.name):
            return None
        seen = type(row)()
        seen.CopyFrom(row)
        if "hr" not in caller.roles:
            seen.ClearField("salary")
            seen.phone = f"***{row.phone[-2:]}"
        return seen

    return see


@pytest.fixture
async def served(databases: Databases, tmp_path: Path, transport: str) -> AsyncIterator[Served]:
    unlimited = await start_gateway("kin", databases, transport=transport)
    await fill(unlimited, people=40)
    kin = await Kin.read(unlimited)
    keys = write_keys(tmp_path / "keys.json", CALLERS)
    gateway: RunningGateway = await serve(
        "kin",
        unlimited.dsn,
        transport=transport,
        auth_providers="api_key",
        auth_api_keys=tmp_path / "keys.json",
    )
    async with clients_of(gateway, "kin", keys) as clients:
        yield Served(kin, clients)
    await gateway.stop()
    await unlimited.stop()


@pytest.mark.parametrize("caller", CALLERS, ids=lambda caller: caller.name)
async def test_rows_and_columns_are_the_callers(served: Served, caller: Caller) -> None:
    kin, client = served.kin, served.clients[caller.name]
    kin.see = sight_of(caller)
    for name, tree in ASKED.items():
        plural, service = PLURALS[name], f"kin.v1.{name}Service/"
        mask = FieldMask(paths=paths_of(tree, name)).ToJsonString()
        answer = await client.call(f"{service}List{plural.method}", page_size=1000, read_mask=mask)
        there = [key for key, row in kin.rows[name].items() if _is_there(kin, name, row)]
        wanted = [plain(kin.expected(name, key, tree)) for key in there]
        assert [*map(plain, getattr(answer, plural.rows))] == wanted, name
        for key, message in zip(there, wanted, strict=True):
            one = dict(zip(plural.key, key, strict=True))
            assert plain(await client.call(f"{service}Get{name}", one, read_mask=mask)) == message
        keys = [dict(zip(plural.key, key, strict=True)) for key in there]
        named = {"keys": keys} if len(plural.key) > 1 else {f"{plural.key[0]}s": [key for (key,) in there]}
        batch = await client.call(f"{service}BatchGet{plural.method}", named, read_mask=mask)
        assert [*map(plain, getattr(batch, plural.rows))] == wanted
        chunks = client.stream(f"{service}Stream{plural.method}", read_mask=mask)
        assert [plain(row) async for chunk in chunks for row in getattr(chunk, plural.rows)] == wanted


def plain(message: Any) -> dict[str, Any]:
    """Return a message's content: messages of several clients are of several types."""
    made: dict[str, Any] = MessageToDict(message)
    return made


def _is_there(kin: Kin, name: str, row: Any) -> bool:
    is_deleted = "deleted_at" in row.DESCRIPTOR.fields_by_name and row.HasField("deleted_at")
    return not is_deleted and kin.see(name, row) is not None


async def test_relations_by_hidden_columns_are_not_there(served: Served) -> None:
    """Who earns the same would tell what somebody earns."""
    method = "kin.v1.PersonService/ListPeople"
    with pytest.raises(RpcFailed, match=r'kin\.v1\.Person has no field "peers"'):
        await served.clients["P7"].call(method, read_mask="peers.*.name")
    with pytest.raises(RpcFailed, match=r'kin\.v1\.Person has no field "salary"'):
        await served.clients["P7"].call(method, read_mask="children.*.salary")
    served.kin.see = sight_of(CALLERS[2])
    answer = await served.clients["P12"].call(method, page_size=1000, read_mask="peers.*.salary")
    there = [key for key, row in served.kin.rows["Person"].items() if _is_there(served.kin, "Person", row)]
    tree: Tree = {"peers": {"salary": {}}}
    wanted = [plain(served.kin.expected("Person", key, tree)) for key in there]
    assert [*map(plain, answer.people)] == wanted
