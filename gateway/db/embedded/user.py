"""The user that runs the embedded server: PostgreSQL refuses to run as root."""

import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_NAME = "pgserver"


class EmbeddedPostgresError(Exception):
    """The embedded server can't be made, started or stopped; the text says why and what would help."""


@dataclass(frozen=True, slots=True)
class ServerUser:
    """The user that the server runs as: this process's own, or another one where this process is root.

    Args:
        uid: the user's id.
        gid: its group's id.
        switch: whether child processes must change to it.

    """

    uid: int
    gid: int
    switch: bool

    def run(self, command: list[str], what: str, *, seconds: float) -> None:
        """Run a program of PostgreSQL's as this user; raises EmbeddedPostgresError with what it printed."""
        try:
            done = subprocess.run(  # noqa: S603 - a program of the wheel's, with arguments made here
                command,
                check=False,
                cwd="/",
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=seconds,
                user=self.uid if self.switch else None,
                group=self.gid if self.switch else None,
                extra_groups=[] if self.switch else None,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EmbeddedPostgresError(f"can't {what}: {error}") from error
        if done.returncode != 0:
            raise EmbeddedPostgresError(f"can't {what}: {(done.stderr or done.stdout).strip()}")

    def make_folder(self, folder: Path) -> None:
        """Make a folder that only this user may enter, or check that the one there is so."""
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {self.uid, os.geteuid()}:
            raise EmbeddedPostgresError(f"{folder} belongs to another user")
        if self.switch:
            os.chown(folder, self.uid, self.gid)
        folder.chmod(0o700)


def server_user(folders: Iterable[Path]) -> ServerUser:
    """Return the user to run as: ourselves; for root the owner of the first of `folders` that isn't root's.

    Where all are root's it is the system user `pgserver`, which is made if need be.
    """
    if os.geteuid() != 0:
        return ServerUser(os.geteuid(), os.getegid(), switch=False)
    for folder in folders:
        if folder.exists() and folder.stat().st_uid != 0:
            return ServerUser(folder.stat().st_uid, folder.stat().st_gid, switch=True)
    entry = _system_user()
    return ServerUser(entry.pw_uid, entry.pw_gid, switch=True)


def open_the_way(user: ServerUser, *places: Path) -> None:
    """Let the user pass through the parents of `places`, where this process is root and they are closed.

    Only the right to pass is given (o+x), not the right to list or read.
    """
    if not user.switch:
        return
    for parent in {parent for place in places for parent in (place, *place.parents)}:
        found = parent.stat()
        if not found.st_mode & stat.S_IXOTH and found.st_uid != user.uid:
            parent.chmod(stat.S_IMODE(found.st_mode) | stat.S_IXOTH)


def _system_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(_NAME)
    except KeyError:
        _add_system_user()
        return pwd.getpwnam(_NAME)


def _add_system_user() -> None:
    program = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if program is None:
        raise EmbeddedPostgresError(
            f"PostgreSQL doesn't run as root, and there is no useradd to make the user {_NAME}: "
            "make it, run as another user, or give a DSN"
        )
    command = [program, "--system", "--user-group", "--no-create-home", _NAME]
    # Another process may have made it since: what counts is that it is there, which the caller looks up.
    subprocess.run(command, check=False, capture_output=True)  # noqa: S603 - a fixed command
