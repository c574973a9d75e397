"""How many workers serve: by what the process may use of the machine, and by what the settings can feed."""

import os
from pathlib import Path

import pytest

from gateway.cli.workers import count
from gateway.cli.workers.count import number_of_workers
from gateway.cli.workers.cpus import available
from gateway.config.errors import ConfigError
from gateway.config.load import load_settings

NONE = -1


class Machine:
    """A /proc/self and control groups, made of files."""

    def __init__(self, folder: Path) -> None:
        self.proc = folder / "proc"
        self._root = folder / "sys"
        self.proc.mkdir()
        self._groups: list[str] = []
        self._mounts = ["22 1 0:20 / / rw,relatime shared:1 - ext4 /dev/root rw"]

    def mount(self, kind: str, path: str, root: str = "/", options: str = "rw") -> Path:
        """Mount a hierarchy in which this process is at a path; return the folder it is mounted at."""
        point = self._root / kind / options.replace(",", "_")
        controllers = "" if kind == "cgroup2" else "cpu,cpuacct"
        self._groups.append(f"{len(self._groups)}:{controllers}:{path}")
        self._mounts.append(f"31 22 0:26 {root} {point} rw shared:9 - {kind} cgroup {options}")
        (self.proc / "cgroup").write_text("\n".join(self._groups))
        (self.proc / "mountinfo").write_text("\n".join(self._mounts))
        return point

    @staticmethod
    def bound(group: Path, quota: int, period: int = 100_000) -> None:
        """Give a group a quota, in the files of both versions."""
        group.mkdir(parents=True, exist_ok=True)
        (group / "cpu.max").write_text(f"{'max' if quota == NONE else quota} {period}\n")
        (group / "cpu.cfs_quota_us").write_text(f"{quota}\n")
        (group / "cpu.cfs_period_us").write_text(f"{period}\n")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Return a machine whose scheduler may use 16 processors for this process."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(16)), raising=False)
    return Machine(tmp_path)


def test_affinity_rules_where_no_group_has_a_quota(machine: Machine) -> None:
    assert available(machine.proc) == 16
    machine.bound(machine.mount("cgroup2", "/service") / "service", NONE)
    machine.bound(machine.mount("cgroup", "/service", options="rw,cpu,cpuacct") / "service", NONE)
    assert available(machine.proc) == 16


@pytest.mark.parametrize(("kind", "options"), [("cgroup2", "rw"), ("cgroup", "rw,cpu,cpuacct")])
@pytest.mark.parametrize(("quota", "workers"), [(50_000, 1), (100_000, 1), (250_000, 2), (3_200_000, 16)])
def test_a_group_s_quota_rules_where_it_is_less(
    machine: Machine, kind: str, options: str, quota: int, workers: int
) -> None:
    machine.bound(machine.mount(kind, "/pods/one", options=options) / "pods" / "one", quota)
    assert available(machine.proc) == workers


@pytest.mark.parametrize(("kind", "options"), [("cgroup2", "rw"), ("cgroup", "rw,cpu,cpuacct")])
def test_the_groups_that_it_lies_in_bind_it_too(machine: Machine, kind: str, options: str) -> None:
    point = machine.mount(kind, "/pods/one", options=options)
    machine.bound(point / "pods" / "one", 800_000)
    machine.bound(point / "pods", 300_000)
    assert available(machine.proc) == 3


def test_a_container_that_sees_its_own_group_alone_is_bound_by_it(machine: Machine) -> None:
    inside = machine.mount("cgroup", "/docker/abc", root="/docker/abc", options="rw,cpu")
    machine.bound(inside, 400_000)
    assert available(machine.proc) == 4
    machine.bound(machine.mount("cgroup2", "/elsewhere", root="/docker/abc"), 200_000)
    assert available(machine.proc) == 2


def test_a_hierarchy_without_the_controller_says_nothing(machine: Machine) -> None:
    machine.bound(machine.mount("cgroup", "/", options="rw,memory"), 100_000)
    assert available(machine.proc) == 16


def test_a_system_without_any_of_it_has_its_processors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 10)
    assert available(tmp_path / "nothing") == 10


def test_here_it_is_no_more_than_the_processors() -> None:
    assert 1 <= available() <= (os.cpu_count() or 1)


@pytest.mark.parametrize(
    ("transport", "settings", "workers"),
    [
        ("http", {}, 2),
        ("http", {"server.workers": "3"}, 3),
        ("http", {"database.pool_size": "100"}, 6),
        ("http", {"database.pool_size": "12"}, 3),
        ("http", {"database.pool_size": "1"}, 1),
        ("http", {"database.dsn": None}, 1),
        ("http", {"database.dsn": None, "server.workers": "2"}, 2),
        ("grpcio", {}, 1),
    ],
)
def test_as_many_serve_as_are_asked_for_or_can_be_fed(
    monkeypatch: pytest.MonkeyPatch, transport: str, settings: dict[str, str | None], workers: int
) -> None:
    monkeypatch.setattr(count, "available", lambda: 6)
    dsn = {"database.dsn": "postgresql://db.example.org/shop"}
    flags = {"server.transport": transport, **dsn, **settings}
    loaded = load_settings(environ={}, flags=flags)
    assert number_of_workers(loaded).workers == workers


def test_one_serves_while_files_are_watched_unless_more_are_asked_for() -> None:
    dsn = {"database.dsn": "postgresql://db.example.org/shop"}
    loaded = load_settings(environ={}, flags=dsn)
    assert number_of_workers(loaded, watched=True).workers == 1
    loaded = load_settings(environ={}, flags={**dsn, "server.workers": "3"})
    assert number_of_workers(loaded, watched=True).workers == 3


def test_grpcio_can_not_be_replaced_while_it_serves() -> None:
    loaded = load_settings(environ={}, flags={"server.transport": "grpcio"})
    with pytest.raises(ConfigError) as refused:
        number_of_workers(loaded, watched=True)
    assert "server.transport (flag --transport): is grpcio, which --watch can't replace" in str(refused.value)
