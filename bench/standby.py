"""Hot standbys of an embedded PostgreSQL."""

from pathlib import Path

from gateway.db.embedded import EmbeddedPostgres
from gateway.db.embedded.server import program_folder
from gateway.db.embedded.user import open_the_way, server_user

_SECONDS = 60.0


def standby_of(primary: str, folder: Path, **settings: str) -> EmbeddedPostgres:
    """Return a standby, not yet started, that streams from a primary.

    Args:
        primary: its DSN.
        folder: a new folder for it.
        settings: the server's own.

    """
    folder.mkdir(parents=True)
    user = server_user([folder])
    open_the_way(user, folder, program_folder())
    user.make_folder(folder / "data")
    backup = [str(program_folder() / "pg_basebackup"), f"--dbname={primary}", f"--pgdata={folder / 'data'}"]
    wanted = ["--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync"]
    user.run([*backup, *wanted], "copy the primary", seconds=_SECONDS)
    return EmbeddedPostgres(folder, settings=settings)
