"""What the commands print, and their exit statuses."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from click import Context
from click.testing import CliRunner

from gateway import __version__
from gateway.cli import main
from gateway.config.setting_names import SETTINGS
from tests.cli.running import rowgate
from tests.harness.process import ROWGATE


async def test_the_version() -> None:
    assert await rowgate("--version") == (0, f"rowgate, version {__version__}\n", "")


@pytest.mark.parametrize("args", [["nothing"], ["serve", "--nothing"], ["config", "extra"]])
async def test_a_wrong_command_line_is_status_2(args: list[str]) -> None:
    status, out, errors = await rowgate(*args)
    assert (status, out) == (2, "")
    assert errors.startswith("Usage: ")


def test_a_command_that_is_none_is_told_those_that_are() -> None:
    done = CliRunner().invoke(main, ["serv"])
    assert done.stderr.endswith(
        f"No such command 'serv': there are {', '.join(main.list_commands(Context(main)))}.\n"
    )


def test_help_lists_no_argument_among_the_options() -> None:
    assert "\n  [PATH]..." not in CliRunner().invoke(main, ["scaffold", "--help"]).stdout


async def test_config_shows_values_and_sources_but_no_secret(tmp_path: Path) -> None:
    file = tmp_path / "rowgate.toml"
    file.write_text('[database]\ndsn = "postgresql://u:hunter2@h/d"\npool_size = 3\n')
    status, out, errors = await rowgate(
        *("config", "--config", str(file), "--no-reflection", "--listen", "[::1]:5"),
        ROWGATE_LOG_LEVEL="debug",
        PGPASSWORD="hunter3",
    )
    assert (status, errors) == (0, "")
    lines = out.splitlines()
    assert f'dsn = "postgresql://u:***@h/d"  # {file}:2' in lines
    assert f"pool_size = 3  # {file}:3" in lines
    assert 'level = "debug"  # variable ROWGATE_LOG_LEVEL' in lines
    assert "reflection = false  # flag --no-reflection" in lines
    assert 'listen = ["[::1]:5"]  # flag --listen' in lines
    assert "queue_size = 1000  # default" in lines
    assert "hunter" not in out


async def test_a_flag_of_several_values_may_be_repeated(tmp_path: Path) -> None:
    file = tmp_path / "rowgate.toml"
    file.write_text("")
    flags = ("--listen", "[::1]:5", "--listen", "127.0.0.1:6,unix:/s")
    _, out, _ = await rowgate("config", "--config", str(file), *flags)
    assert 'listen = ["[::1]:5", "127.0.0.1:6", "unix:/s"]  # flag --listen' in out.splitlines()


async def test_wrong_settings_are_told_together_with_status_2() -> None:
    status, out, errors = await rowgate("config", "--pool-size", "0", ROWGATE_LOG_LEVL="x")
    assert (status, out) == (2, "")
    assert (
        "ROWGATE_LOG_LEVL (variable ROWGATE_LOG_LEVL): is no setting; did you mean ROWGATE_LOG_LEVEL?"
        in errors
    )
    assert "database.pool_size (flag --pool-size): '0': should be greater than or equal to 1" in errors


@pytest.mark.parametrize(("command", "without"), [("serve", ""), ("migrate", "server"), ("config", "")])
async def test_help_has_the_settings_by_section_with_their_defaults(command: str, without: str) -> None:
    status, out, errors = await rowgate(command, "--help")
    assert (status, errors) == (0, "")
    parts = {part.partition("]")[0]: " ".join(part.split()) for part in f"\n{out}".split("\n[")}
    assert "database" in parts
    assert without not in parts
    for setting in SETTINGS:
        if not setting.is_flag or setting.section not in parts:
            continue
        here = parts[setting.section].partition(f"{setting.flag} ")[2].partition(" --")[0]
        default = f"[default: {setting.default_text}]" if setting.default_text else setting.description
        assert default in parts[setting.section] if setting.is_switch else default in here, setting.key


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["ser"], ["serve"]),
        (["serve", "--pool-"], ["--pool-size"]),
        (["serve", "--transport", "g"], ["grpcio"]),
        (["migrate", "rev"], ["revision"]),
    ],
)
def test_bash_completes_commands_settings_and_their_words(words: list[str], offered: list[str]) -> None:
    script = (
        'eval "$(_ROWGATE_COMPLETE=bash_source rowgate)" || exit 9\n'
        f"COMP_WORDS=(rowgate {' '.join(words)}); COMP_CWORD={len(words)}\n"
        'complete -p rowgate; _rowgate_completion rowgate; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    told = subprocess.run(
        ["bash", "-c", script], capture_output=True, check=True, text=True, env={**os.environ, "PATH": path}
    )
    installed, *found = told.stdout.splitlines()
    assert installed.startswith("complete ")
    assert found == offered


@pytest.mark.parametrize(
    "modules",
    ["gateway.cli.serve, gateway.cli.workers.worker", "gateway.cli.migrate"],
    ids=["serve", "migrate"],
)
def test_without_a_folder_neither_alembic_nor_sqlalchemys_engines_are_loaded(modules: str) -> None:
    program = f"import sys, {modules}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert not {"alembic", "sqlalchemy.ext.asyncio", "sqlalchemy.orm"} & set(loaded.stdout.split())


def test_serve_loads_no_sqlalchemy_before_its_workers_are_started() -> None:
    program = "import sys, gateway.cli.serve; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert not {"sqlalchemy", "asyncpg", "gateway.app"} & set(loaded.stdout.split())


def test_http_without_tls_loads_neither_grpc_core_nor_x509() -> None:
    program = "import sys, gateway.app, gateway.cli.servers, gateway.cli.workers.worker; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert not {"grpc", "cryptography.x509", "jwt"} & set(loaded.stdout.split())


@pytest.mark.parametrize("command", main.list_commands(Context(main)))
def test_a_command_starts_with_nothing_imported_but_what_it_imports(command: str) -> None:
    started = subprocess.run([*ROWGATE, command, "--help"], capture_output=True, check=True, text=True)
    assert command in started.stdout


def test_every_command_is_there() -> None:
    names = ["new", "serve", "migrate", "pull", "scaffold", "protos", "keys", "policy", "config"]
    assert main.list_commands(None) == names
    for name in main.list_commands(None):
        assert main.get_command(None, name).help
    assert import_module("gateway.cli").main is main
