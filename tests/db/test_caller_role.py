"""The settings that make a transaction a caller's: what they tell, and of which callers they can't tell."""

from collections.abc import AsyncIterator
from json import loads
from typing import Any

import asyncpg
import pytest

from gateway.auth.principal import ANONYMOUS, Principal
from gateway.db.statements.caller_role import MAX_CLAIMS, CallerRoles
from gateway.errors import PermissionDenied
from tests.harness.databases import Databases

ROLES = CallerRoles(frozenset({"postgres", "other"}), "postgres", "app.role")
_TOLD = (
    "SELECT current_setting('request.jwt.claims'), current_setting('rowgate.principal'), current_user::text"
)


def caller(name: str = "ann", **claims: Any) -> Principal:
    """Return a caller with a token."""
    return Principal(name, "jwt", frozenset({"b", "a"}), claims)


@pytest.fixture(params=["on", "off"])
async def connection(request: pytest.FixtureRequest, databases: Databases) -> AsyncIterator[Any]:
    """Connect to a database that takes backslashes in plain literals as they are, or doesn't."""
    settings = {"standard_conforming_strings": request.param}
    connection = await asyncpg.connect(await databases.empty(), server_settings=settings)
    yield connection
    await connection.close()


@pytest.mark.parametrize(
    "text", ["ann", "o'hara", "a\\' OR 1=1; --", "\\", "$$", "é\u2028😀", "'); ROLLBACK; --"]
)
async def test_whatever_a_caller_is_called_is_told_as_it_is(connection: Any, text: str) -> None:
    await connection.execute(f"BEGIN; {ROLES.settings(caller(text, tenant=text))}")
    claims, name, role = await connection.fetchrow(_TOLD)
    assert loads(claims) == {"tenant": text, "sub": text, "role": "postgres"}
    assert (name, role) == (f"jwt:{text}", "postgres")
    assert await connection.fetchval("SELECT current_setting('rowgate.roles')") == '["a","b"]'
    await connection.execute("ROLLBACK")
    assert await connection.fetchval("SELECT coalesce(current_setting('request.jwt.claims', true), '')") == ""


@pytest.mark.parametrize(
    ("claims", "role"),
    [
        ({}, "postgres"),
        ({"app": {"role": "other"}}, "other"),
        ({"app.role": "other"}, "other"),
        ({"app": {"role": "none"}}, None),
        ({"app": {"role": "pg_monitor"}}, None),
        ({"app": {"role": ""}}, None),
        ({"app": {"role": 7}}, None),
        ({"app": {"role": ["other"]}}, None),
    ],
)
def test_a_claim_chooses_among_the_allowed_roles(claims: dict[str, Any], role: str | None) -> None:
    if role is not None:
        assert ROLES.role_of(caller(**claims)) == role
        return
    with pytest.raises(PermissionDenied) as refused:
        ROLES.settings(caller(**claims))
    assert refused.value.reason == "DATABASE_ROLE_NOT_ALLOWED"


def test_without_a_usual_role_nobody_else_has_one() -> None:
    roles = CallerRoles(frozenset({"other"}), None, "role")
    assert roles.role_of(caller(role="other")) == "other"
    for one in (caller(), ANONYMOUS):
        with pytest.raises(PermissionDenied):
            roles.settings(one)


@pytest.mark.parametrize(
    ("one", "reason"),
    [(caller(much="x" * MAX_CLAIMS), "CLAIMS_TOO_LARGE"), (caller("nu\0l"), "CALLER_UNTELLABLE")],
)
def test_what_can_not_be_told_is_refused(one: Principal, reason: str) -> None:
    with pytest.raises(PermissionDenied) as refused:
        ROLES.settings(one)
    assert refused.value.reason == reason
