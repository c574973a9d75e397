"""`rowgate keys`: make, list and revoke API keys."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from gateway.auth.api_key_file import ApiKey, changed_keys, new_key, read_keys
from gateway.auth.principal import ANONYMOUS_ROLE
from gateway.cli.failures import Wrong, reported
from gateway.cli.options import with_settings
from gateway.config.errors import ConfigDiagnostic, ConfigError
from gateway.config.load import Loaded

_TIME = re.compile(r"(\d{1,5})([hd])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1)}


@click.group()
def keys() -> None:
    """Make, list and revoke the API keys of the file that auth.api_keys names."""


@keys.command()
@click.argument("name")
@click.option("--roles", default="", metavar="A,B", help="What it may act as, beside `authenticated`.")
@click.option(
    "--claims", default="{}", metavar="JSON", help="What else policies may ask of it, as an object."
)
@click.option(
    "--expires", default="90d", metavar="TIME", help="When it ends: 12h, 90d, never. [default: 90d]"
)
@with_settings("auth.api_keys")
def create(load: Callable[[], Loaded], name: str, roles: str, claims: str, expires: str) -> None:
    """Make an API key, and print it: this once, as only its hash is kept.

    NAME says whose it is; in logs and policies it is the caller's id.
    """
    with reported():
        key, kept = _new(name, [one.strip() for one in roles.split(",") if one.strip()], claims, expires)
        with changed_keys(_file(load())) as known:
            if name in known:
                raise Wrong(f"there is a key named {name} already: revoke it, or choose another name")
            known[name] = kept
    click.echo(key)


@keys.command("list")
@with_settings("auth.api_keys")
def list_keys(load: Callable[[], Loaded]) -> None:
    """List the names of the API keys, with roles and expiry."""
    with reported():
        found = read_keys(_file(load()))
    width = max((len(key.name) for key in found), default=0)
    for key in sorted(found, key=lambda key: key.name):
        click.echo(f"{key.name:<{width}}  {_when(key)}  {','.join(key.roles)}".rstrip())


@keys.command()
@click.argument("name")
@with_settings("auth.api_keys")
def revoke(load: Callable[[], Loaded], name: str) -> None:
    """Revoke the API key of a name: servers know it no more within two seconds."""
    with reported(), changed_keys(_file(load())) as known:
        if known.pop(name, None) is None:
            raise Wrong(f"there is no key named {name}")
    click.echo(f"revoked {name}")


def _new(name: str, roles: Sequence[str], claims: str, expires: str) -> tuple[str, ApiKey]:
    if ANONYMOUS_ROLE in roles:
        raise Wrong(f"{ANONYMOUS_ROLE} is the role of callers without a credential")
    try:
        return new_key(name, roles, _claims(claims), _expiry(expires))
    except ValueError as error:
        raise Wrong(f"no key can be made of this: {_first_line(error)}") from error


def _claims(text: str) -> Mapping[str, Any]:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError('claims are a JSON object, as {"tenant": "acme"}')  # noqa: TRY004 - said to the user
    return found


def _expiry(text: str) -> datetime | None:
    if text == "never":
        return None
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f'"{text}" is no time: 12h, 90d, never')
    return datetime.now(UTC).replace(microsecond=0) + int(match[1]) * _UNITS[match[2]]


def _first_line(error: ValueError) -> str:
    errors = getattr(error, "errors", None)
    if errors is None:
        return str(error)
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in errors())


def _when(key: ApiKey) -> str:
    if key.expires_at is None:
        return "never ends               "
    said = "ended" if key.expires_at <= datetime.now(UTC) else "ends "
    return f"{said} {key.expires_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _file(loaded: Loaded) -> Path:
    path = loaded.settings.auth.api_keys
    if path is None:
        wrong = "no file of API keys is named"
        raise ConfigError([ConfigDiagnostic("auth.api_keys", "default", wrong, "give --auth-api-keys PATH")])
    return path
