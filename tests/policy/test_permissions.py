"""Who may call which method, as the schema says."""

from pathlib import Path

import pytest

from gateway.app.callers import authorization
from gateway.auth.authenticator import Authenticator, Credentials
from gateway.auth.principal import ANONYMOUS, Principal
from gateway.config.auth_settings import AuthSettings
from gateway.policy.permissions import permissions_of, without_policy
from gateway.schema.diagnostics import SchemaError
from gateway.schema.model import Allow, Schema
from gateway.schema.protos.sources import compile_protos
from gateway.schema.read import read_schema
from tests.harness.gateway import schema_of
from tests.policy.callers import caller

_SHEETS = "/allowed.v1.SheetService"


@pytest.mark.parametrize(
    ("method", "of_anonymous", "of_anybody", "of_readers", "of_clerks"),
    [
        ("GetSheet", False, False, True, False),
        ("ListSheets", True, True, True, True),
        ("CreateSheet", False, False, False, True),
    ],
)
def test_a_method_is_allowed_by_its_own_roles_or_else_its_services(
    method: str, *, of_anonymous: bool, of_anybody: bool, of_readers: bool, of_clerks: bool
) -> None:
    permission = permissions_of(schema_of("allowed"))[f"{_SHEETS}/{method}"]
    callers = (ANONYMOUS, caller(), caller("reader"), caller("other", "clerk"))
    assert [permission.allows(one) for one in callers] == [of_anonymous, of_anybody, of_readers, of_clerks]


def test_methods_without_a_policy_are_nobodys() -> None:
    schema = schema_of("allowed")
    assert without_policy(schema) == ["allowed.v1.BinService.DeleteSheet"]
    assert "/allowed.v1.BinService/DeleteSheet" not in permissions_of(schema)


class _Nobody(Authenticator):
    def recall(self, credentials: Credentials) -> Principal:
        assert not credentials.authorization
        return ANONYMOUS

    async def authenticate(self, credentials: Credentials) -> Principal:
        return self.recall(credentials)


def test_methods_without_a_policy_are_told_at_start(caplog: pytest.LogCaptureFixture) -> None:
    authorization(schema_of("allowed"), _Nobody(), AuthSettings())
    (record,) = caplog.records
    assert vars(record)["methods"] == ["allowed.v1.BinService.DeleteSheet"]


def test_where_an_allow_stands_is_kept() -> None:
    methods = {
        one.full_name: one.allow for one in schema_of("allowed").services["allowed.v1.SheetService"].methods
    }
    own, of_service = (
        methods["allowed.v1.SheetService.CreateSheet"],
        methods["allowed.v1.SheetService.GetSheet"],
    )
    assert own == Allow(("writer", "clerk"), "", "allowed.proto", 35, "allowed.v1.SheetService.CreateSheet")
    assert of_service == Allow(("reader",), "", "allowed.proto", 21, "allowed.v1.SheetService")


_NOTES = """
syntax = "proto3";
package notes.v1;
import "rowgate/v1/annotations.proto";
message Note {
  option (rowgate.v1.table) = {primary_key: "id"};
  int64 id = 1;
}
message GetNoteRequest { int64 id = 1; }
service NoteService {
  rpc GetNote(GetNoteRequest) returns (Note) {
    option (rowgate.v1.method).allow = {ALLOW};
  }
}
"""
_GET = "/notes.v1.NoteService/GetNote"


def _notes(folder: Path, allow: str) -> Schema:
    (folder / "notes.proto").write_text(_NOTES.replace("ALLOW", allow))
    return read_schema(compile_protos(folder))


def test_roles_and_condition_must_both_hold(tmp_path: Path) -> None:
    allow = 'roles: "clerk" condition: "principal.claims.level > 2"'
    permission = permissions_of(_notes(tmp_path, allow))[_GET]
    callers = (caller("clerk", level=3), caller("clerk", level=2), caller("clerk"), caller(level=3))
    assert [permission.allows(one) for one in callers] == [True, False, False, False]


def test_a_condition_alone_lets_nobody_in_without_a_credential(tmp_path: Path) -> None:
    """Not even where it is true of them."""
    permission = permissions_of(_notes(tmp_path, "condition: 'NOT principal.roles:\"guest\"'"))[_GET]
    callers = (ANONYMOUS, caller("guest"), caller())
    assert [permission.allows(one) for one in callers] == [False, False, True]


def test_a_condition_is_asked_once_of_a_caller(tmp_path: Path) -> None:
    permission = permissions_of(_notes(tmp_path, 'condition: "principal.claims.level > 2"'))[_GET]
    claims = {"level": 3}
    one = Principal("ann", "jwt", caller().roles, claims)
    assert permission.allows(one)
    claims["level"] = 0
    assert permission.allows(one)


def test_a_wrong_condition_is_told_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(SchemaError) as caught:
        permissions_of(_notes(tmp_path, 'condition: "principal.idd = ann"'))
    (found,) = caught.value.diagnostics
    assert (found.file, found.line, found.where) == ("notes.proto", 11, "notes.v1.NoteService.GetNote")
    assert found.wrong.startswith("allow.condition: column 11: ")
    assert found.wrong.endswith("""
  principal.idd = ann
            ^""")
