"""The embedded server's Unix socket: its folder, and whether a server answers there."""

import hashlib
import socket
import struct
import tempfile
from pathlib import Path
from urllib.parse import quote

from gateway.db.embedded.user import ServerUser

_NAME = ".s.PGSQL.5432"
# sockaddr_un holds 108 bytes with the closing zero on Linux, 104 on macOS.
_MAX_BYTES = 103
_ANSWER_SECONDS = 2.0
# The shortest question that a server answers before any login ("Message Formats" in PostgreSQL's manual).
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)


def socket_folder(folder: Path, user: ServerUser) -> Path:
    """Return the socket's folder: inside `folder`, or in the temporary folder where that path doesn't do.

    It may be too long for a socket, or hold a comma, which parts hosts. The folder is made, and only the
    server's user may enter it.
    """
    sockets = folder / "socket"
    if len(str(sockets / _NAME).encode()) > _MAX_BYTES or "," in str(sockets):
        digest = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
        sockets = Path(tempfile.gettempdir()) / f"rowgate-{digest}"
    user.make_folder(sockets)
    return sockets


def answers(sockets: Path) -> bool:
    """Return whether a server answers: a killed one leaves the socket's file, a frozen one still accepts."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(_ANSWER_SECONDS)
        try:
            client.connect(str(sockets / _NAME))
            client.sendall(_SSL_REQUEST)
            return client.recv(1) != b""
        except OSError:
            return False


def dsn(sockets: Path) -> str:
    """Return the DSN of the server behind the socket."""
    return f"postgresql://postgres@/postgres?host={quote(str(sockets), safe='')}"
