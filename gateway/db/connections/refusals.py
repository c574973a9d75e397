"""Why no connection could be made, in words for whoever starts the gateway.

They name hosts and users, and quote PostgreSQL: none of it is for clients, who read the translated error.
"""

import socket
import ssl
from collections.abc import Sequence

import asyncpg

from gateway.db.connections.dsn import Target
from gateway.db.connections.standing import LeftBehindError
from gateway.db.driver_errors import causes

_DEMANDING = frozenset({"require", "verify-ca", "verify-full"})
_REJECTED = frozenset({"28000"})
"""SQLSTATEs of a server whose rules (pg_hba.conf) let nobody in who comes as we did."""


def refusal(error: BaseException, sslmode: str | None) -> str:
    """Return why a connection couldn't be made: who refused it, and by what words.

    Args:
        error: what the driver raised, or an error of ours with that as its cause.
        sslmode: how TLS was asked for; None for the driver's default.

    Of several hosts each has its own words: the notes of `refused_by_all`.

    """
    hosts = getattr(error, "__notes__", None) or getattr(error.__cause__, "__notes__", None)
    if hosts:
        return "; ".join(hosts)
    return _words(error, sslmode)


def _words(error: BaseException, sslmode: str | None) -> str:
    told = (
        _of_server(cause, sslmode) or _of_tls(cause, sslmode) or _of_network(cause) for cause in causes(error)
    )
    return next(filter(None, told), str(error))


def refused_by_all(failures: Sequence[tuple[Target, Exception]]) -> Exception:
    """Return the most telling error of hosts that can't be used; of several, its notes say why of each."""
    # That one takes no writes says less than that another isn't there.
    away = [error for _, error in failures if not isinstance(error, asyncpg.TargetServerAttributeNotMatched)]
    last = (away or [error for _, error in failures])[-1]
    told = {f"{target.hosts[0].place}: {_words(error, target.sslmode)}": None for target, error in failures}
    if len(failures) > 1:
        last.__notes__ = list(told)
    return last.with_traceback(None)


def _of_server(error: BaseException, sslmode: str | None) -> str:
    if isinstance(error, asyncpg.ConnectionDoesNotExistError):
        return "the connection is closed by the server, or on the way"
    if isinstance(error, LeftBehindError):
        return "it takes writes, but another host was promoted since"
    if isinstance(error, asyncpg.TargetServerAttributeNotMatched):
        return "it isn't what target_session_attrs asks for: a host that takes no writes, or the reverse"
    if not isinstance(error, asyncpg.PostgresError):
        return ""
    hint = f" (sslmode={sslmode})" if error.sqlstate in _REJECTED and sslmode else ""
    return f"PostgreSQL says {error.sqlstate}, {error.args[0]}{hint}"


def _of_tls(error: BaseException, sslmode: str | None) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"the server's certificate isn't accepted: {error.verify_message} (sslmode={sslmode})"
        case ssl.SSLError():
            return f"TLS fails: {error.reason or error} (sslmode={sslmode})"
        case ConnectionError() if type(error) is ConnectionError and sslmode in _DEMANDING:
            # So the driver tells of a server that answers the wish for TLS by no.
            return f"the server has no TLS, which sslmode={sslmode} asks for"
    return ""


def _of_network(error: BaseException) -> str:
    match error:
        case socket.gaierror():
            return f"the host's name isn't known: {error.strerror}"
        case TimeoutError():
            return "no answer comes"
        case ConnectionRefusedError():
            return f"the connection is refused, nothing listens there ({error})"
        case FileNotFoundError():
            return "there is no such socket, so no server runs there"
        case OSError() | EOFError():
            return f"the network fails: {str(error) or type(error).__name__}"
    return ""
