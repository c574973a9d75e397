"""`rowgate policy` prints what callers of each role may call, which is what they may."""

import json
import shutil
from pathlib import Path
from textwrap import dedent

from click.testing import CliRunner

from gateway.auth.principal import ANONYMOUS
from gateway.cli import main
from gateway.policy.permissions import permissions_of
from tests.harness.gateway import SCHEMAS, schema_of
from tests.policy.callers import caller

MASKED = ("account", "phone", "email", "born", "hired")
_RULES = """
[[rules]]
methods = ["*.CreateSheet"]
condition = 'principal.id = "a"'
"""


def _printed(folder: Path, *args: str) -> str:
    rules = folder / "policy.toml"
    rules.write_text(_RULES)
    schema = ["--protos", str(SCHEMAS / "allowed"), "--auth-policy", str(rules)]
    done = CliRunner().invoke(main, ["policy", *schema, *args])
    assert (done.exit_code, done.stderr) == (0, "")
    return done.stdout


def test_the_matrix_as_text(tmp_path: Path) -> None:
    assert _printed(tmp_path) == dedent("""\
    method                               anonymous  authenticated  clerk  reader  writer  condition
    allowed.v1.SheetService.GetSheet     no         no             no     yes     no
    allowed.v1.SheetService.ListSheets   yes        yes            yes    yes     yes
    allowed.v1.SheetService.CreateSheet  no         no             if     no      if      principal.id = "a"
    allowed.v1.BinService.DeleteSheet    no         no             no     no      no      nobody: no allow
    """)


def test_the_matrix_as_json(tmp_path: Path) -> None:
    found = json.loads(_printed(tmp_path, "--format", "json"))
    create = next(one for one in found["methods"] if one["method"].endswith("CreateSheet"))
    assert create["conditions"] == ['principal.id = "a"']
    assert create["roles"] == {
        "anonymous": "no",
        "authenticated": "no",
        "clerk": "if",
        "reader": "no",
        "writer": "if",
    }
    assert found["without_policy"] == ["allowed.v1.BinService.DeleteSheet"]


def test_what_is_printed_is_what_callers_may() -> None:
    done = CliRunner().invoke(main, ["policy", "--protos", str(SCHEMAS / "allowed"), "--format", "json"])
    permissions = permissions_of(schema_of("allowed"))
    for row in json.loads(done.stdout)["methods"]:
        service, _, name = row["method"].rpartition(".")
        permission = permissions.get(f"/{service}/{name}")
        for role, said in row["roles"].items():
            one = ANONYMOUS if role == "anonymous" else caller(role)
            assert (permission is not None and permission.allows(one)) is (said == "yes")


def test_columns_and_rows_are_printed_too() -> None:
    printed = _lines_of("payroll")
    by_column = {
        line.split()[0]: line.split()[1:] for line in printed if line.startswith("payroll.v1.Employee.")
    }
    header = next(line.split() for line in printed if line.startswith("column "))
    assert header == ["column", "anonymous", "authenticated", "boss", "guard", "hr"]
    assert by_column == {
        "payroll.v1.Employee.salary": ["-", "-", "r", "-", "rw"],
        "payroll.v1.Employee.badge": ["-", "-", "-", "rw", "-"],
        "payroll.v1.Employee.title": ["r", "r", "rw", "r", "rw"],
        "payroll.v1.Employee.notes": ["-", "-", "-", "-", "rw"],
        **{f"payroll.v1.Employee.{name}": ["m", "m", "m", "m", "rw"] for name in MASKED},
    }
    (update,) = [line.split() for line in _lines_of("shared") if line.startswith("shared.v1.Remark  update ")]
    assert update == ["shared.v1.Remark", "update", "nobody"]
    done = CliRunner().invoke(main, ["policy", "--protos", str(SCHEMAS / "payroll"), "--format", "json"])
    told = json.loads(done.stdout)
    assert told["rows"]["payroll.v1.Employee"]["create"] == "*"
    assert {row["column"]: row["roles"]["hr"] for row in told["columns"]}["payroll.v1.Employee.badge"] == "-"


def _lines_of(schema: str) -> list[str]:
    done = CliRunner().invoke(main, ["policy", "--protos", str(SCHEMAS / schema)])
    assert done.exit_code == 0, done.output
    return done.stdout.splitlines()


def test_presets_are_printed_too() -> None:
    preset = [line.split() for line in _lines_of("signed") if line.startswith("signed.v1.Entry.")]
    assert preset == [
        ["signed.v1.Entry.author", "create", "principal.id"],
        ["signed.v1.Entry.writer", "create", "principal.id"],
        ["signed.v1.Entry.writer", "update", "principal.id"],
        ["signed.v1.Entry.editor", "update", "principal.id"],
        ["signed.v1.Entry.desk", "create", "principal.claims.desk.number"],
    ]
    done = CliRunner().invoke(main, ["policy", "--protos", str(SCHEMAS / "signed"), "--format", "json"])
    told = {row["column"]: row["preset"] for row in json.loads(done.stdout)["presets"]}
    assert told["signed.v1.Entry.editor"] == {"update": "principal.id"}


def test_tenants_are_among_the_rules_of_rows(tmp_path: Path) -> None:
    config = tmp_path / "rowgate.toml"
    config.write_text(
        '[auth]\nproviders = ["api_key"]\napi_keys = "keys.json"\n'
        'tenant_column = "tenant"\ntenant_claim = "org.tenant"\n'
    )
    schema = ["--protos", str(SCHEMAS / "walled"), "--config", str(config)]
    done = CliRunner().invoke(main, ["policy", *schema])
    assert done.exit_code == 0
    condition = 'tenant = principal.claims.org.tenant AND principal.claims.org.tenant != ""'
    assert f"walled.v1.Item  read          {condition}\n" in done.stdout


def test_a_rule_of_rows_that_the_server_refuses_is_refused(tmp_path: Path) -> None:
    file = shutil.copytree(SCHEMAS / "shared", tmp_path / "shared") / "shared.proto"
    text = file.read_text()
    assert 'update: "owner =' in text
    file.write_text(text.replace('update: "owner =', 'update: "ownr =', 1))
    done = CliRunner().invoke(main, ["policy", "--protos", str(file.parent)])
    assert done.exit_code == 2
    assert "shared.v1.Note, policy.update" in done.stderr
    assert 'did you mean "owner"' in done.stderr


def test_queries_that_no_policy_holds_in_are_listed(tmp_path: Path) -> None:
    (tmp_path / "own.proto").write_text(
        dedent("""\
        syntax = "proto3";
        package own.v1;
        import "rowgate/v1/annotations.proto";
        message Note {
          option (rowgate.v1.table) = {primary_key: "id" policy: {read: "owner = principal.id"}};
          int64 id = 1;
          string owner = 2;
        }
        message Asked { int64 id = 1; }
        service NoteService {
          rpc Find(Asked) returns (Note) {
            option (rowgate.v1.method).sql = {query: "SELECT * FROM note WHERE id = :id" policy: BYPASS};
          }
        }
        """)
    )
    printed = CliRunner().invoke(main, ["policy", "--protos", str(tmp_path)]).stdout
    title = "in queries of these, rules, columns and presets don't hold"
    assert printed.endswith(f"\n{title}\nown.v1.NoteService.Find\n")
    asked = ["policy", "--protos", str(tmp_path), "--format", "json"]
    assert json.loads(CliRunner().invoke(main, asked).stdout)["bypass"] == ["own.v1.NoteService.Find"]
