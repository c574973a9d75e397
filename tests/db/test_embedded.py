"""The embedded server: found again, shared, and started whatever the last end left behind."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.db.embedded import EmbeddedPostgres, EmbeddedPostgresError
from tests.db.servers import kill_server, sql
from tests.harness.client import fresh_name

FAST = {"fsync": "off"}


@pytest.fixture
def folder(data_folder: Path) -> Path:
    folder = data_folder / fresh_name("embedded")
    folder.mkdir()
    return folder


@pytest.fixture
def server(folder: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(folder / "pg", settings=FAST)
    yield server
    server.stop()


async def test_it_is_found_again_with_its_data(server: EmbeddedPostgres) -> None:
    dsn = server.start()
    await sql(dsn, "CREATE TABLE kept AS SELECT 1 AS one")
    first = server.postmaster_pid()

    assert server.start() == dsn
    assert server.postmaster_pid() == first
    assert server.stop()
    assert server.postmaster_pid() is None
    assert server.stop()
    assert server.start() == dsn
    assert await sql(dsn, "SELECT one FROM kept") == [(1,)]


async def test_settings_reach_the_server_and_it_listens_on_no_port(server: EmbeddedPostgres) -> None:
    dsn = server.start()

    assert await sql(dsn, "SHOW fsync") == [("off",)]
    assert await sql(dsn, "SHOW listen_addresses") == [("",)]
    [[version]] = await sql(dsn, "SHOW server_version_num")
    assert version.startswith("18")


async def test_a_killed_server_starts_again(server: EmbeddedPostgres) -> None:
    dsn = server.start()
    await sql(dsn, "CREATE TABLE kept AS SELECT 1 AS one")
    kill_server(server)

    assert server.start() == dsn
    assert await sql(dsn, "SELECT one FROM kept") == [(1,)]


async def test_a_process_id_that_is_somebody_elses_now_is_no_server(server: EmbeddedPostgres) -> None:
    dsn = server.start()
    kill_server(server)
    # Without the check, PostgreSQL would refuse to start beside "the other server".
    pid_file = server.folder / "data" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")

    assert server.postmaster_pid() is None
    server.start()
    assert await sql(dsn, "SELECT 1") == [(1,)]


async def test_the_last_to_leave_stops_it(folder: Path) -> None:
    first, second = (EmbeddedPostgres(folder / "pg", settings=FAST) for _ in range(2))
    dsn = first.start()
    assert second.start() == dsn

    assert not first.stop()
    assert await sql(dsn, "SELECT 1") == [(1,)]
    assert second.stop()
    assert second.postmaster_pid() is None


def test_a_process_that_died_holds_nothing(server: EmbeddedPostgres) -> None:
    code = (
        "import os, signal, sys\n"
        "from gateway.db.embedded import EmbeddedPostgres\n"
        "EmbeddedPostgres(sys.argv[1]).start()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    died = subprocess.run([sys.executable, "-W", "error", "-c", code, server.folder], check=False, timeout=60)
    assert died.returncode == -9

    assert server.postmaster_pid() is not None
    server.start()
    assert server.stop()


def test_several_processes_start_it_at_once(server: EmbeddedPostgres) -> None:
    code = (
        "import sys\n"
        "from gateway.db.embedded import EmbeddedPostgres\n"
        "server = EmbeddedPostgres(sys.argv[1])\n"
        "server.start()\n"
        "print(server.postmaster_pid())\n"
    )
    starting = [
        subprocess.Popen([sys.executable, "-c", code, server.folder], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    pids = {process.communicate(timeout=60)[0].strip() for process in starting}

    assert pids == {str(server.postmaster_pid())}
    server.start()


@pytest.mark.parametrize("name", ["x" * 120, "it's a folder, isn't it?", "ünïcode & (more)"])
async def test_long_and_odd_paths(folder: Path, name: str) -> None:
    server = EmbeddedPostgres(folder / name, settings=FAST)
    dsn = server.start()
    try:
        assert await sql(dsn, "SELECT 1") == [(1,)]
    finally:
        assert server.stop()


async def test_an_interrupted_making_is_made_anew(server: EmbeddedPostgres) -> None:
    unfinished = server.folder / "data.unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")

    assert await sql(server.start(), "SELECT 1") == [(1,)]
    assert not unfinished.exists()


def test_another_versions_cluster_is_left_alone(server: EmbeddedPostgres) -> None:
    data = server.folder / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("16\n")

    with pytest.raises(EmbeddedPostgresError, match="PostgreSQL 16"):
        server.start()


def test_a_path_that_a_shell_would_read_is_refused(folder: Path) -> None:
    with pytest.raises(EmbeddedPostgresError, match="another folder"):
        EmbeddedPostgres(folder / "$HOME").start()


def test_a_start_that_fails_says_why(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.db.embedded.server.START_SECONDS", 1.0)
    server = EmbeddedPostgres(folder / "pg", settings={"fsync": "off", "shared_buffers": "nonsense"})

    with pytest.raises(EmbeddedPostgresError, match="shared_buffers"):
        server.start()


async def test_parents_are_opened_for_passing_only_and_where_the_server_is_another_user(folder: Path) -> None:
    is_root = os.geteuid() == 0
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    server = EmbeddedPostgres(closed / "pg", settings=FAST)
    dsn = server.start()
    try:
        assert await sql(dsn, "SELECT 1") == [(1,)]
        assert closed.stat().st_mode & 0o777 == (0o701 if is_root else 0o700)
        assert ((server.folder / "data").stat().st_uid != os.geteuid()) == is_root
        assert (server.folder / "data").stat().st_mode & 0o777 == 0o700
    finally:
        server.stop()
