"""DSNs: URLs and key=value strings, filled up from a service file and libpq's PG* variables.

The rules are libpq's ("Database Connection Control Functions" in PostgreSQL's manual) with one exception: TLS
is verified (verify-full) unless the server is local or the DSN says otherwise; libpq takes what it gets.
"""

import configparser
import ipaddress
import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

_SCHEMES = ("postgresql://", "postgres://", "postgresql+asyncpg://", "postgres+asyncpg://")
_DEFAULT_PORT = 5432
_ESCAPE = "in a user, a password and a database, write / as %2F, ? as %3F, @ as %40 and % as %25"
_SECRETS = frozenset({"password", "sslpassword"})
_VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "passfile": "PGPASSFILE",
    "dbname": "PGDATABASE",
    "options": "PGOPTIONS",
    "application_name": "PGAPPNAME",
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "sslmode": "PGSSLMODE",
    "sslnegotiation": "PGSSLNEGOTIATION",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "sslcrl": "PGSSLCRL",
    "ssl_min_protocol_version": "PGSSLMINPROTOCOLVERSION",
    "ssl_max_protocol_version": "PGSSLMAXPROTOCOLVERSION",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
    "krbsrvname": "PGKRBSRVNAME",
    "gsslib": "PGGSSLIB",
}
_KNOWN = frozenset(_VARIABLES) | {"service", "sslpassword"}
# libpq's own matters: dropping them changes nothing that the caller relies on.
_DROPPED = frozenset(
    {
        *("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"),
        *("fallback_application_name", "client_encoding", "sslcompression", "sslsni", "gssencmode"),
    }
)
PRIMARY_MODES = frozenset({"read-write", "primary"})
"""The values of target_session_attrs that ask for the primary."""
_FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")
_WORDS = {
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "target_session_attrs": ("any", "read-write", "read-only", "primary", "standby", "prefer-standby"),
}
_PAIR = re.compile(r"\s*(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))(?=\s|$)", re.ASCII)


class DsnError(ValueError):
    """A DSN that can't be understood. The text names the part, never a password."""

    setting = "database.dsn"
    """Where it stands."""


@dataclass(frozen=True, slots=True)
class Host:
    """A server's address: a name, an IP address, or the folder of its Unix socket."""

    name: str
    port: int

    @property
    def local(self) -> bool:
        """Whether the way there stays on this machine."""
        return self.name.startswith("/") or self.name == "localhost" or _is_loopback(self.name)

    @property
    def place(self) -> str:
        """Name and port, as a log has them."""
        return f"{self}:{self.port}"

    def __str__(self) -> str:
        return f"[{self.name}]" if ":" in self.name else self.name


@dataclass(frozen=True, slots=True, repr=False)
class Target:
    """A resolved DSN.

    Args:
        hosts: where to try, in order; empty for the driver's default socket folders and localhost.
        parameters: the rest, by libpq's names.

    """

    hosts: tuple[Host, ...]
    parameters: Mapping[str, str]

    @property
    def sslmode(self) -> str | None:
        """The TLS mode: as asked, else verify-full; None where the server is local."""
        local = all(host.local for host in self.hosts)
        return self.parameters.get("sslmode") or (None if local else "verify-full")

    @property
    def connect_timeout(self) -> float | None:
        """Seconds that one attempt to connect may take, where the DSN says so."""
        seconds = self.parameters.get("connect_timeout", "")
        return float(seconds) if seconds.isdecimal() and int(seconds) else None

    def arguments(self) -> dict[str, Any]:
        """Return asyncpg.connect's arguments, but for timeouts, caches and server settings."""
        arguments: dict[str, Any] = {"dsn": self._url()}
        if self.sslmode == "verify-full" and self._trusts_system():
            arguments["ssl"] = self._system_tls()
        return arguments

    def one_by_one(self) -> tuple["Target", ...]:
        """Return a target for each host, in the order in which they are tried."""
        if len(self.hosts) < 2:  # noqa: PLR2004 - one, or the driver's defaults
            return (self,)
        mode = {"sslmode": self.sslmode} if self.sslmode else {}
        each = tuple(Target((host,), {**self.parameters, **mode}) for host in self.hosts)
        wish = self.parameters.get("target_session_attrs")
        if wish != "prefer-standby":
            return each
        return tuple(
            Target(one.hosts, {**one.parameters, "target_session_attrs": wish})
            for wish in ("standby", "any")
            for one in each
        )

    @property
    def wants_primary(self) -> bool:
        """Whether there are several hosts, of which the primary is meant."""
        return len(self.hosts) > 1 and self.parameters.get("target_session_attrs") in PRIMARY_MODES

    def of_any_standing(self) -> tuple["Target", ...]:
        """Return a target for each host, whatever its server is."""
        each = {**self.parameters, "target_session_attrs": "any"}
        return Target(self.hosts, each).one_by_one()

    def each_alone(self) -> tuple[tuple[str, str], ...]:
        """Return the place of each host, and a DSN of it alone, whatever server it is."""
        return tuple((one.hosts[0].place, one._url()) for one in self.of_any_standing() if one.hosts)  # noqa: SLF001 - its own

    def check_files(self) -> None:
        """Raise DsnError for a certificate or key that can't be read: the driver's error names no file."""
        by_socket = self.hosts and all(host.name.startswith("/") for host in self.hosts)
        if by_socket or self.sslmode == "disable":
            return
        for name in _FILES:
            path = self.parameters.get(name, "")
            if not path or (name, path) == ("sslrootcert", "system"):
                continue
            try:
                Path(path).open("rb").close()
            except OSError as error:
                raise DsnError(f"{name} {path} can't be read: {error.strerror}") from error

    def redacted(self) -> str:
        """Return a form for logs: where and as whom, without secrets."""
        user = f"{quote(self.parameters['user'])}@" if "user" in self.parameters else ""
        hosts = ",".join(f"{quote(str(host), safe='[]:')}:{host.port}" for host in self.hosts)
        shown = {key: value for key, value in self._query().items() if key not in {*_SECRETS, *_IN_FRONT}}
        query = f"?{urlencode(shown)}" if shown else ""
        return f"postgresql://{user}{hosts}/{quote(self.parameters.get('dbname', ''))}{query}"

    def __repr__(self) -> str:
        return f"Target({self.redacted()})"

    def _query(self) -> dict[str, str]:
        query = {key: value for key, value in self.parameters.items() if key != "connect_timeout"}
        if self.sslmode:
            query["sslmode"] = self.sslmode
        return query

    def _url(self) -> str:
        """Return the URL in the one form that holds everything: all of it in the query."""
        query = self._query()
        if self.hosts:
            query["host"] = ",".join(map(str, self.hosts))
            query["port"] = ",".join(str(host.port) for host in self.hosts)
        return f"postgresql://?{urlencode(query)}"

    def _trusts_system(self) -> bool:
        """Return whether the system's certificates are the root: asked for, or no other root is there."""
        root = self.parameters.get("sslrootcert")
        return root == "system" or (not root and not (Path.home() / ".postgresql" / "root.crt").exists())

    def _system_tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if "sslcert" in self.parameters:
            password = self.parameters.get("sslpassword", "")
            context.load_cert_chain(
                self.parameters["sslcert"], self.parameters.get("sslkey"), password=lambda: password
            )
        return context


_IN_FRONT = frozenset({"user", "dbname"})


def resolve(dsn: str, environ: Mapping[str, str] = os.environ) -> Target:
    """Return the target that a DSN names together with the environment.

    Args:
        dsn: `postgresql://…` (also postgres://, postgresql+asyncpg://), `key=value …`, or empty.
        environ: PG* variables; they fill what the DSN and its service leave out.

    Raises DsnError.

    """
    given = _parse(dsn.strip())
    service = given.pop("service", environ.get("PGSERVICE", ""))
    parameters = {
        **_from_environment(environ),
        **(_from_service(service, environ) if service else {}),
        **given,
    }
    hosts = _hosts(parameters.pop("host", ""), parameters.get("port", ""))
    if hosts:
        parameters.pop("port", None)
    if len(hosts) > 1:
        # Writes must not stick to a standby, or to a primary that has become one.
        parameters.setdefault("target_session_attrs", "read-write")
    for name, allowed in _WORDS.items():
        _check_word(name, parameters.get(name), allowed)
    return Target(hosts, parameters)


def names_a_server(dsn: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether a DSN or the environment names a server, or whether the embedded one is meant."""
    return bool(dsn.strip() or environ.get("PGHOST") or environ.get("PGSERVICE"))


def _parse(dsn: str) -> dict[str, str]:
    for scheme in _SCHEMES:
        if dsn.startswith(scheme):
            return _checked(_parse_url(dsn.removeprefix(scheme)))
    if "://" in dsn:
        raise DsnError(f"the scheme of a DSN is one of {', '.join(_SCHEMES)}")
    return _checked(_parse_pairs(dsn))


def _parse_url(rest: str) -> dict[str, str]:
    place, _, query = rest.partition("?")
    authority, _, database = place.partition("/")
    if "@" in database:
        raise DsnError(f"there is an @ after the first /; {_ESCAPE}")
    login, _, hosts = authority.rpartition("@")
    user, _, password = login.partition(":")
    host, port = _split_ports(hosts)
    _check_ports(port)
    found = {
        "user": unquote(user),
        "password": unquote(password),
        "host": host,
        "port": port,
        "dbname": unquote(database),
    }
    try:
        found |= dict(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)))
    except ValueError as error:
        raise DsnError(f"the part after `?` isn't a list of name=value, joined by &; {_ESCAPE}") from error
    if "database" in found:
        found["dbname"] = found.pop("database")
    return {key: value for key, value in found.items() if value}


def _split_ports(hosts: str) -> tuple[str, str]:
    """Return the hosts and, where one is named, the ports: both joined by commas."""
    parts = [_split_port(host) for host in hosts.split(",")]
    ports = ",".join(port for _, port in parts)
    return ",".join(unquote(host) for host, _ in parts), ports if ports.strip(",") else ""


def _split_port(host: str) -> tuple[str, str]:
    if host.startswith("["):
        address, _, rest = host[1:].partition("]")
        return address, rest.removeprefix(":")
    name, _, port = host.partition(":")
    return name, port


def _parse_pairs(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    position = 0
    while position < len(text):
        match = _PAIR.match(text, position)
        if match is None:
            raise DsnError(
                "a DSN is a URL, as postgresql://user@host/database, or a list of key=value; "
                f"it can't be read from character {position + 1}"
            )
        value = match[2] if match[2] is not None else match[3]
        found[match[1]] = re.sub(r"\\(.)", r"\1", value)
        position = match.end()
        position += len(text[position:]) - len(text[position:].lstrip())
    return {key: value for key, value in found.items() if value}


def _checked(found: dict[str, str]) -> dict[str, str]:
    kept = {key: value for key, value in found.items() if key not in _DROPPED}
    unknown = sorted(set(kept) - _KNOWN)
    if unknown:
        raise DsnError(
            f"unknown DSN parameter {', '.join(unknown)}: known are {', '.join(sorted(_KNOWN))}; "
            "a server setting goes into options='-c name=value'"
        )
    return kept


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    return {key: environ[name] for key, name in _VARIABLES.items() if environ.get(name)}


def _from_service(name: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the section of the connection service file: PGSERVICEFILE, or ~/.pg_service.conf."""
    path = Path(environ.get("PGSERVICEFILE") or Path.home() / ".pg_service.conf")
    services = configparser.ConfigParser(interpolation=None)
    services.read(path)
    if name not in services:
        raise DsnError(f"service {name} isn't in {path}")
    return _checked(dict(services[name]))


def _hosts(names: str, ports: str) -> tuple[Host, ...]:
    if not names:
        return ()
    split_names = [name.strip("[]") for name in names.split(",")]
    split_ports = ports.split(",")
    if len(split_ports) not in {1, len(split_names)}:
        raise DsnError(
            f"{len(split_names)} hosts but {len(split_ports)} ports: name one port, or one per host"
        )
    if len(split_ports) == 1:
        split_ports *= len(split_names)
    return tuple(Host(name, _port(port)) for name, port in zip(split_names, split_ports, strict=True))


def _check_ports(ports: str) -> None:
    for port in ports.split(","):
        _port(port)


def _port(text: str) -> int:
    if not text:
        return _DEFAULT_PORT
    if not text.isdecimal() or not 0 < int(text) < 1 << 16:
        # Not shown: it may be a part of a password.
        raise DsnError(f"a port isn't a number from 1 to 65535; {_ESCAPE}")
    return int(text)


def _check_word(name: str, word: str | None, allowed: tuple[str, ...]) -> None:
    if word is not None and word not in allowed:
        raise DsnError(f"{name} {word}: one of {', '.join(allowed)} is expected")


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
