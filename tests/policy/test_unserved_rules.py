"""Rules of rows that no index serves are told at the start, whatever the size of their tables."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gateway.introspect.startup.unserved_rules import of_rows
from gateway.policy.schema_rules import row_rules
from tests.conftest import GatewayFor
from tests.harness.callers import Caller, write_keys
from tests.harness.gateway import schema_of
from tests.policy.test_quotes import with_rule


def told(caplog: pytest.LogCaptureFixture) -> Mapping[str, Any]:
    found = [one for one in caplog.records if one.getMessage() == "no index serves rules of rows"]
    assert len(found) <= 1
    return found[0].__dict__["rules"] if found else {}


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, Any]:
    path = tmp_path / "keys.json"
    write_keys(path, (Caller("ann"),))
    return {"auth_providers": "api_key", "auth_api_keys": path}


async def test_a_rule_without_an_index_is_told(
    gateway_for: GatewayFor, keys: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    await gateway_for("posted", **keys)
    assert told(caplog) == {"posted.v1.Post, policy.read": ["author", "published_at", "title"]}


async def test_one_with_an_index_is_not(
    gateway_for: GatewayFor, keys: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """A tenant's notes are found by the unique key that begins with it, and all remarks are everybody's."""
    await gateway_for("shared", **keys)
    assert told(caplog) == {}


async def test_where_no_rules_hold_there_is_nothing_to_tell(
    gateway_for: GatewayFor, caplog: pytest.LogCaptureFixture
) -> None:
    await gateway_for("posted")
    assert told(caplog) == {}


@pytest.mark.parametrize(
    ("rule", "left"),
    [
        ('owner = principal.id OR principal.roles:"auditor"', "owner = principal.id"),
        ('principal.roles:"a" AND NOT principal.roles:"b"', None),
        ('NOT (principal.roles:"a" OR title = "x") AND public = true', 'NOT (title = "x") AND public = true'),
        ("*", None),
    ],
)
def test_what_is_asked_of_the_caller_is_left_out(rule: str, left: str | None) -> None:
    def shape_of(text: str) -> Any:
        return row_rules(with_rule(schema_of("shared"), "shared.v1.Note", text))["shared.v1.Note"].read

    found = of_rows(shape_of(rule))
    assert (found is None) == (left is None)
    if found is not None and left is not None:
        assert _without_binds(found.shape) == _without_binds(shape_of(left).shape)


def _without_binds(shape: Any) -> str:
    names = [name for name in ("items", "item", "operand", "op") if hasattr(shape, name)]
    return f"{type(shape).__name__}({', '.join(str(_inner(getattr(shape, name))) for name in names)})"


def _inner(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_without_binds(one) for one in value]
    return _without_binds(value) if hasattr(value, "__dataclass_fields__") else value
