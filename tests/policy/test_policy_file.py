"""A file of policy narrows what the schema allows, and never widens it."""

import os
from pathlib import Path

import pytest

from gateway.auth.principal import ANONYMOUS
from gateway.config.errors import ConfigError
from gateway.policy.permissions import permissions_of
from gateway.policy.policy_file import read_policy_file
from tests.harness.gateway import schema_of
from tests.policy.callers import caller

_SHEETS = "/allowed.v1.SheetService"
_BIN = "/allowed.v1.BinService/DeleteSheet"


def _file(folder: Path, text: str) -> Path:
    path = folder / "policy.toml"
    path.write_text(text)
    return path


def test_callers_have_to_meet_the_file_and_the_schema(tmp_path: Path) -> None:
    rules = """
    [[rules]]
    methods = ["allowed.v1.SheetService"]
    roles = ["staff"]
    [[rules]]
    methods = ["*.Create*", "allowed.v1.SheetService.CreateSheet"]
    condition = "principal.claims.level > 2"
    """
    schema = schema_of("allowed")
    permissions = permissions_of(schema, read_policy_file(_file(tmp_path, rules), schema))
    create, read, every = (
        permissions[f"{_SHEETS}/{name}"] for name in ("CreateSheet", "GetSheet", "ListSheets")
    )
    callers = (caller("writer", "staff", level=3), caller("writer", "staff"), caller("writer", level=3))
    assert [create.allows(one) for one in callers] == [True, False, False]
    assert [read.allows(one) for one in (caller("reader", "staff"), caller("staff"), caller("reader"))] == [
        True,
        False,
        False,
    ]
    assert [every.allows(one) for one in (ANONYMOUS, caller(), caller("staff"))] == [False, False, True]


def test_the_file_opens_nothing(tmp_path: Path) -> None:
    rules = """
    [[rules]]
    methods = ["*"]
    roles = ["anonymous", "authenticated"]
    """
    schema = schema_of("allowed")
    narrowed = permissions_of(schema, read_policy_file(_file(tmp_path, rules), schema))
    assert _BIN not in narrowed
    assert not narrowed[f"{_SHEETS}/GetSheet"].allows(ANONYMOUS)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "rules: Field required"),
        ("rules = []", "rules: List should have at least 1 item"),
        ("[[rules]]\nmethods = ['*']\nrole = ['a']", "rules.0.role: Extra inputs are not permitted"),
        ("[[rules]]\nmethods = []\nroles = ['a']", "rules.0.methods: List should have at least 1 item"),
        ("[[rules]]\nmethods = '*'\nroles = ['a']", "rules.0.methods: Input should be a valid list"),
        ("[[rules]]\nmethods = ['*']", "rule 1: has neither roles nor a condition"),
        ("[[rules]]\nmethods = ['*']\nroles = ['a b']", "rules.0.roles.0: Value error, is no role"),
        (
            "[[rules]]\nmethods = ['allowed.v1.SheetServic']\nroles = ['a']",
            'rule 1: "allowed.v1.SheetServic" is no method or service of the schema; did you mean',
        ),
        ("[[rules]]\nmethods = ['*']\ncondition = 'owner = 1'", "rule 1: condition: column 1: "),
        ("[[rules", "is no TOML"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, wrong: str) -> None:
    path = _file(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        read_policy_file(path, schema_of("allowed"))
    assert str(caught.value).startswith(f"auth.policy ({path}): {wrong}")


def test_all_that_is_wrong_is_told(tmp_path: Path) -> None:
    rules = "[[rules]]\nmethods = ['x', '*']\n[[rules]]\nmethods = ['*']\ncondition = 'a'"
    with pytest.raises(ConfigError) as caught:
        read_policy_file(_file(tmp_path, rules), schema_of("allowed"))
    assert len(caught.value.diagnostics) == 3


def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    os.mkfifo(path)
    with pytest.raises(ConfigError, match="can't be read: is no regular file"):
        read_policy_file(path, schema_of("allowed"))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't be read"):
        read_policy_file(tmp_path / "none.toml", schema_of("allowed"))
