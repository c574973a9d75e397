"""The processors that this process may use: its CPU affinity, and the CPU quota of its control groups."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc/self")


def available(proc: Path = _PROC) -> int:
    """Return how many processors may be kept busy at once: at least 1, and no part of one.

    One more worker than that would be held up by the others' use of the quota.
    """
    quota = _quota(proc)
    return max(1, _affinity() if quota is None else min(_affinity(), int(quota)))


def _affinity() -> int:
    """Return the processors that the scheduler may use for this process; all of them where none can say."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quota(proc: Path) -> float | None:
    """Return the least CPU quota of this process's control groups, in processors; None without one.

    A group is also bound by the groups that it lies in, as far as they can be seen from here (cgroups(7)).
    """
    try:
        groups = dict(_groups((proc / "cgroup").read_text()))
        mounts = list(_mounts((proc / "mountinfo").read_text()))
    except OSError:
        return None  # no Linux
    quotas = [quota for mount in mounts for folder in mount.folders(groups) for quota in mount.quotas(folder)]
    return min(quotas, default=None)


def _groups(text: str) -> Iterator[tuple[str, str]]:
    """Yield each controller and the path of its group; the controller of version 2 has no name."""
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            yield controller, path


@dataclass(frozen=True, slots=True)
class _Mount:
    """A mounted hierarchy of control groups.

    Args:
        controller: cpu in version 1, empty in version 2.
        root: the group that is mounted.
        point: the folder it is mounted at.

    """

    controller: str
    root: Path
    point: Path

    def folders(self, groups: dict[str, str]) -> Iterator[Path]:
        """Yield the folders of this process's group and of the groups that it lies in."""
        path = Path(groups.get(self.controller, "/"))
        # A container may see a hierarchy that begins at its own group, by the path outside of it.
        inner = self.point / path.relative_to(self.root) if path.is_relative_to(self.root) else self.point
        yield inner
        while inner != self.point:
            inner = inner.parent
            yield inner

    def quotas(self, folder: Path) -> Iterator[float]:
        """Yield the quota of one group, where it has one."""
        try:
            if self.controller:
                quota = (folder / "cpu.cfs_quota_us").read_text()
                period = (folder / "cpu.cfs_period_us").read_text()
            else:
                quota, period = (folder / "cpu.max").read_text().split()
        except OSError:
            return
        if quota.strip() not in ("max", "-1"):
            yield int(quota) / int(period)


def _mounts(text: str) -> Iterator[_Mount]:
    """Yield the mounted hierarchies that may bound the use of processors (mountinfo: proc(5))."""
    for line in text.splitlines():
        mount, _, filesystem = line.partition(" - ")
        root, point = mount.split()[3:5]
        kind, _, options = filesystem.split()[:3]
        if kind == "cgroup2":
            yield _Mount("", Path(root), Path(point))
        elif kind == "cgroup" and "cpu" in options.split(","):
            yield _Mount("cpu", Path(root), Path(point))
