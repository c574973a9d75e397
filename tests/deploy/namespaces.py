"""Processes that see a folder as their root, as a container's do, without a container's engine.

Linux's own namespaces and mounts do it: it takes root, and `unshare`, `nsenter` and `setpriv` of util-linux.
What a base image would bring, programs, libraries and Python, is this machine's, and can't be written.
"""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

_OF_THE_BASE = ("/usr/bin", "/usr/lib", "/usr/lib64", "/usr/sbin", "/usr/share", "/etc/ssl")
_LINKS = ("bin", "lib", "lib64", "sbin")
_FILES = ("hosts", "ld.so.cache", "nsswitch.conf", "passwd", "pip.conf", "resolv.conf")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
_PROGRAMS = ("unshare", "nsenter", "setpriv", "ip", "curl")
_SECONDS = 300


def require_namespaces() -> None:
    """Skip the test where this user can't make them."""
    missing = [program for program in _PROGRAMS if shutil.which(program) is None]
    if missing:
        pytest.skip(f"{missing} missing: Debian's util-linux, iproute2 and curl bring them")
    tried = ["unshare", "--mount", "--pid", "--net", "--fork", "true"]
    if subprocess.run(tried, capture_output=True, check=False).returncode:
        pytest.skip("mount, pid and net namespaces can't be made here: that takes root")


def children_of(pid: int) -> list[int]:
    """Return the numbers of a process's own: of `unshare`, the first one inside, once it has begun."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@dataclass(frozen=True, slots=True)
class Namespaces:
    """A folder as the root of processes.

    Args:
        root: it; folders are added where things are mounted.
        writable: whether processes may write there.
        mounts: folders of this machine, by the places where they are seen and can't be written.
        temporary: places that are empty at first and may be written.
        user: whose the processes are, and their only group; they may gain no right. None is root.

    """

    root: Path
    writable: bool = False
    mounts: Mapping[str, Path] = field(default_factory=dict)
    temporary: Sequence[str] = ()
    user: tuple[int, int] | None = None

    def run(self, *command: str, place: str = "/", environment: Mapping[str, str]) -> str:
        """Run a command to its end, with this machine's network; return what it printed."""
        whole = self.command(command, place, environment, alone=False)
        done = subprocess.run(whole, capture_output=True, text=True, timeout=_SECONDS, check=False)
        assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def command(
        self, command: Sequence[str], place: str, environment: Mapping[str, str], *, alone: bool = True
    ) -> Sequence[str]:
        """Return a command as it is run from outside: the first process of namespaces of its own.

        Args:
            command: it.
            place: the folder that it is run in.
            environment: all of its variables.
            alone: whether its network is its own, too.

        """
        self._lay()
        variables = [f"{name}={value}" for name, value in environment.items()]
        inside = [
            *("chroot", str(self.root)),
            *self._as_user(),
            *("env", "-i", "-C", place),
            *variables,
            *command,
        ]
        lines = [*self._mounting(), *(["ip link set lo up"] if alone else []), f"exec {shlex.join(inside)}"]
        own = ["--mount", "--pid", "--fork", "--kill-child", *(["--net"] if alone else [])]
        return ("unshare", *own, "sh", "-euc", "\n".join(lines))

    def _as_user(self) -> Sequence[str]:
        if self.user is None:
            return ()
        user, group = self.user
        rights = ("--inh-caps=-all", "--bounding-set=-all", "--no-new-privs")
        return ("setpriv", f"--reuid={user}", f"--regid={group}", f"--groups={group}", *rights)

    def _lay(self) -> None:
        """Make what is mounted upon."""
        for name in _LINKS:
            if not (self.root / name).is_symlink():
                (self.root / name).symlink_to(f"usr/{name}")
        for place in (*(target for _, target in self._binds()), *self.temporary, "/proc", "/tmp", "/etc"):  # noqa: S108
            self._inside(place).mkdir(parents=True, exist_ok=True)
        for name in _FILES:
            if Path("/etc", name).exists():
                shutil.copy(Path("/etc", name), self.root / "etc" / name)
        (self.root / "dev").mkdir(exist_ok=True)
        for device in _DEVICES:
            self._inside(device).touch()

    def _binds(self) -> Iterator[tuple[str, str]]:
        """Yield what is mounted for reading, and where."""
        for place in _OF_THE_BASE:
            if os.path.isdir(place):  # noqa: PTH112 - a link to one is one
                yield place, place
        # Where the base image has it, and where its own library is looked for.
        for place in ("/usr/local", sys.base_prefix):
            yield sys.base_prefix, place
        for place, folder in self.mounts.items():
            yield str(folder), place

    def _mounting(self) -> Iterator[str]:
        root = shlex.quote(str(self.root))
        yield "mount --make-rprivate /"
        yield f"mount --bind {root} {root}"
        for source, place in self._binds():
            target = shlex.quote(str(self._inside(place)))
            yield f"mount --bind {shlex.quote(source)} {target}"
            yield f"mount -o remount,bind,ro {target}"
        for device in _DEVICES:
            yield f"mount --bind {device} {shlex.quote(str(self._inside(device)))}"
        yield f"mount -t proc proc {root}/proc"
        for place in self.temporary:
            yield f"mount -t tmpfs -o mode=1777 tmpfs {shlex.quote(str(self._inside(place)))}"
        if not self.writable:
            yield f"mount -o remount,bind,ro {root}"

    def _inside(self, place: str) -> Path:
        return self.root / place.lstrip("/")
