"""Rows refer to the one that holds them by values of any type, and some that are stored refer to none."""

from typing import Any, NamedTuple

import pytest

from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway

_HEAD = """
syntax = "proto3";
package crates.v1;
import "google/protobuf/duration.proto";
import "google/protobuf/field_mask.proto";
import "rowgate/v1/annotations.proto";
"""
_TABLES = """
message {name}Crate {{
  option (rowgate.v1.table) = {{name: "{table}_crate" primary_key: "k"}};
  {type} k = 1 [(rowgate.v1.column) = {{{options}}}];
  repeated {name}Item merged = 2 [(rowgate.v1.relation).write = MERGE];
  repeated {name}Item replaced = 3 [(rowgate.v1.relation).write = REPLACE];
}}
message {name}Item {{
  option (rowgate.v1.table) = {{name: "{table}_item" primary_key: "id"}};
  int64 id = 1;
  {optional}{type} crate = 2 [(rowgate.v1.column) = {{{plain} references: {{table: "{table}_crate"}}}}];
  string text = 3;
}}
service {name}Service {{ rpc Update{name}Crate(Update{name}CrateRequest) returns ({name}Crate); }}
message Update{name}CrateRequest {{ {name}Crate crate = 1; google.protobuf.FieldMask update_mask = 2; }}
"""


class _Kind(NamedTuple):
    """A type of references.

    Args:
        name: of its messages.
        type: in protos.
        options: of the key's column.
        key: one, as proto JSON.
        same: the same, spelled otherwise where it can be.
        other: another one.
        sql: the first, and the other, in SQL.

    """

    name: str
    type: str
    options: str
    key: Any
    same: Any
    other: Any
    sql: tuple[str, str]

    @property
    def table(self) -> str:
        return self.name.lower()

    def proto(self) -> str:
        is_message = "." in self.type
        return _TABLES.format(
            **self._asdict(),
            table=self.table,
            plain=self.options.replace("not_null: true", ""),
            optional="" if is_message else "optional ",
        )


_IDS = [f"{n}0000000-0000-0000-0000-00000000000a" for n in "12"]
KINDS = (
    _Kind("Uuid", "string", 'type: "uuid"', _IDS[0], _IDS[0].upper(), _IDS[1], (_IDS[0], _IDS[1])),
    _Kind("Amount", "string", 'type: "numeric"', "1", "1.00", "2", ("1", "2")),
    _Kind(
        "Span", "google.protobuf.Duration", "not_null: true", "86400s", "86400s", "1s", ("1 day", "1 second")
    ),
    _Kind("Ratio", "double", "", 0.0, -0.0, 1.5, ("0", "1.5")),
    _Kind("Number", "int64", "", 1, 1, 2, ("1", "2")),
    _Kind("Word", "string", "", "a", "a", "b", ("a", "b")),
)
by_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


@pytest.fixture(scope="module")
async def gateway(module_gateway_for: GatewayFor, tmp_path_factory: pytest.TempPathFactory) -> RunningGateway:
    folder = tmp_path_factory.mktemp("crates")
    (folder / "crates.proto").write_text(_HEAD + "".join(kind.proto() for kind in KINDS))
    return await module_gateway_for(str(folder))


async def _stored(gateway: RunningGateway, kind: _Kind) -> list[tuple[int, str | None, str]]:
    """Make the tables hold two crates: item 1 is in the first, 2 in none, 3 in the other."""
    key, other = kind.sql
    await gateway.sql(f"TRUNCATE {kind.table}_crate CASCADE")
    await gateway.sql(f"INSERT INTO {kind.table}_crate (k) VALUES ('{key}'), ('{other}')")  # noqa: S608
    values = f"(1, '{key}', ''), (2, NULL, ''), (3, '{other}', '')"
    await gateway.sql(f"INSERT INTO {kind.table}_item (id, crate, text) VALUES {values}")  # noqa: S608
    return await _items(gateway, kind)


async def _items(gateway: RunningGateway, kind: _Kind) -> list[tuple[int, str | None, str]]:
    rows = await gateway.sql(f"SELECT id, crate::text, text FROM {kind.table}_item ORDER BY id")  # noqa: S608
    return [(*row.values(),) for row in rows]


@by_kind
@pytest.mark.parametrize("relation", ["merged", "replaced"])
async def test_a_stored_row_is_held_by_its_own_holder_alone(
    gateway: RunningGateway, kind: _Kind, relation: str
) -> None:
    """One that refers to another, or to none, isn't taken over: its key is taken."""
    before = await _stored(gateway, kind)
    method = f"crates.v1.{kind.name}Service/Update{kind.name}Crate"
    for item in (2, 3):
        rows = [{"id": 1, "text": "x"}, {"id": item, "text": "x"}]
        with pytest.raises(RpcFailed) as refused:
            await gateway.call(method, crate={"k": kind.key, relation: rows}, update_mask=relation)
        assert (refused.value.code.name, refused.value.reason) == ("ALREADY_EXISTS", "UNIQUE_VIOLATION")
        assert refused.value.fields == [f"crate.{relation}[1].id"]
        assert await _items(gateway, kind) == before
    rows = [{"id": 4, "text": "y"}, {"id": 1, "text": "y"}]
    await gateway.call(method, crate={"k": kind.key, relation: rows}, update_mask=relation)
    crate = before[0][1]
    assert await _items(gateway, kind) == [(1, crate, "y"), *before[1:], (4, crate, "y")]


@by_kind
async def test_a_row_may_say_itself_what_holds_it(gateway: RunningGateway, kind: _Kind) -> None:
    """In any spelling of the value, and no other value."""
    before = await _stored(gateway, kind)
    method = f"crates.v1.{kind.name}Service/Update{kind.name}Crate"
    sent = {"k": kind.key, "merged": [{"id": 1, "crate": kind.same, "text": "z"}]}
    await gateway.call(method, crate=sent, update_mask="merged")
    assert (await _items(gateway, kind))[0] == (1, before[0][1], "z")
    sent["merged"][0]["crate"] = kind.other
    with pytest.raises(RpcFailed) as refused:
        await gateway.call(method, crate=sent, update_mask="merged")
    assert (refused.value.reason, refused.value.fields) == ("REFERS_ELSEWHERE", ["crate.merged[0].crate"])
