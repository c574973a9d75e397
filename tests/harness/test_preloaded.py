"""The stand-in for `rowgate` commands ends as they do, and takes them along."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.harness.databases import Databases
from tests.harness.gateway import SCHEMAS, ledger_database
from tests.harness.preloaded import preloaded_rowgate
from tests.harness.process import environment


def serving(dsn: str) -> subprocess.Popen[str]:
    """Start a server, which is ready when this returns."""
    flags = ("--protos", str(SCHEMAS / "ledger"), "--dsn", dsn, "--listen", "127.0.0.1:0")
    command = (*preloaded_rowgate(), "serve", *flags)
    process = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("listening on ")
    return process


def test_a_command_has_its_folder_variables_streams_and_status(tmp_path: Path) -> None:
    (tmp_path / "rowgate.toml").write_text("[log]\nlevel = 'error'\n")
    ran = subprocess.run(
        (*preloaded_rowgate(), "config"),
        cwd=tmp_path,
        env=environment(ROWGATE_POOL_SIZE="3"),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "pool_size = 3  # variable ROWGATE_POOL_SIZE" in ran.stdout
    assert 'level = "error"' in ran.stdout
    wrong = subprocess.run(
        (*preloaded_rowgate(), "config", "--nothing"), capture_output=True, text=True, check=False, timeout=60
    )
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("Usage: rowgate config")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)])
async def test_signals_reach_a_command(databases: Databases, number: signal.Signals, status: int) -> None:
    with serving(await ledger_database(databases)) as process:
        process.send_signal(number)
        # Nothing is left that could hold the pipe open.
        out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (status, "")


def test_a_command_is_a_process_of_its_own(tmp_path: Path) -> None:
    command = (*preloaded_rowgate(), "config", "--config", str(tmp_path / "fifo"))
    os.mkfifo(tmp_path / "fifo")
    waiting = subprocess.Popen(command, env=environment())
    ran = subprocess.run((*preloaded_rowgate(), "--version"), check=False, timeout=60)
    assert ran.returncode == 0
    assert waiting.poll() is None
    (tmp_path / "fifo").write_text("")
    assert waiting.wait(60) == 0
