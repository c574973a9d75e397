"""Who may call which method, as the schema says."""

import pytest

from gateway.app import authorization
from gateway.auth.authenticator import Authenticator, Credentials
from gateway.auth.principal import ANONYMOUS, AUTHENTICATED_ROLE, Principal
from gateway.policy.permissions import permissions_of, without_policy
from gateway.schema.model import Allow
from tests.harness.gateway import schema_of

_SHEETS = "/allowed.v1.SheetService"


def caller(*roles: str) -> Principal:
    """Return a caller of these roles, who has brought a credential."""
    return Principal("ann", "jwt", frozenset({AUTHENTICATED_ROLE, *roles}))


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
    authorization(schema_of("allowed"), _Nobody())
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
    assert own == Allow(("writer", "clerk"), "", "allowed.proto", 32, "allowed.v1.SheetService.CreateSheet")
    assert of_service == Allow(("reader",), "", "allowed.proto", 20, "allowed.v1.SheetService")
