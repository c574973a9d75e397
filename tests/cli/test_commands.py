"""What the commands print, and their exit statuses."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from gateway import __version__
from gateway.cli import main
from tests.cli.running import rowgate


async def test_the_version() -> None:
    assert await rowgate("--version") == (0, f"rowgate, version {__version__}\n", "")


@pytest.mark.parametrize("args", [["nothing"], ["serve", "--nothing"], ["config", "extra"]])
async def test_a_wrong_command_line_is_status_2(args: list[str]) -> None:
    status, out, errors = await rowgate(*args)
    assert (status, out) == (2, "")
    assert errors.startswith("Usage: ")


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


def test_serving_loads_neither_alembic_nor_sqlalchemys_engines() -> None:
    program = "import sys, gateway.cli.serve, gateway.cli.workers.worker; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert not {"alembic", "sqlalchemy.ext.asyncio", "sqlalchemy.orm"} & set(loaded.stdout.split())


def test_every_command_is_there() -> None:
    assert main.list_commands(None) == ["new", "serve", "migrate", "pull", "scaffold", "protos", "config"]
    for name in main.list_commands(None):
        assert main.get_command(None, name).help
    assert import_module("gateway.cli").main is main
