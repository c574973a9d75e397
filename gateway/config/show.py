"""The effective settings as text, without secrets."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from gateway.config.address import Address
from gateway.config.load import Loaded
from gateway.config.setting_names import SECTIONS, SETTINGS, Setting

HIDDEN = "***"
_PARAMETER = re.compile(
    r"(?P<name>\b\w*(?:password|secret)\s*=\s*)(?:'(?:[^'\\]|\\.)*(?:'|$)|(?:[^\s\\&']|\\.)*)", re.IGNORECASE
)


def show(loaded: Loaded, environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines of a rowgate.toml that sets the effective values, each with its source."""
    for section in SECTIONS:
        yield f"[{section}]"
        for setting in SETTINGS:
            if setting.section == section:
                yield _line(setting, loaded)
        if section == "database" and (names := sorted(name for name in environ if _is_libpq(name))):
            yield f"# libpq's variables apply where dsn is silent: {', '.join(names)}"
        yield ""


def _is_libpq(name: str) -> bool:
    return re.fullmatch(r"PG[A-Z]+", name) is not None


def _line(setting: Setting, loaded: Loaded) -> str:
    value = loaded.value(setting)
    if value is None:
        return f"# {setting.name} is not set"
    return f"{setting.name} = {_toml(setting, value)}  # {loaded.source(setting.key)}"


def _toml(setting: Setting, value: Any) -> str:
    if isinstance(value, SecretStr):
        text = value.get_secret_value()
        return json.dumps(redact_dsn(text) if setting.name == "dsn" else HIDDEN)
    if isinstance(value, tuple):
        return json.dumps([str(one) for one in value])
    if isinstance(value, (Path, Address)):
        return json.dumps(str(value))
    return json.dumps(value)


def redact_dsn(dsn: str) -> str:
    """Return a DSN, in URL or keyword form, with each password replaced by `***`.

    A URL's login is taken to end at its last `@`: a password may hold what should have been escaped, and then
    more is hidden rather than less.
    """
    scheme, separator, rest = dsn.partition("://")
    if not separator:
        return _redact_parameters(dsn)
    login, at, place = rest.rpartition("@")
    user, colon, _ = login.partition(":")
    return _redact_parameters(f"{scheme}://{user}{colon and f':{HIDDEN}'}{at}{place}")


def _redact_parameters(text: str) -> str:
    return _PARAMETER.sub(lambda match: match["name"] + HIDDEN, text)
