"""The sources of settings: a file, environment variables, flags. Later ones win over earlier ones."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

from gateway.config.errors import ConfigDiagnostic, ConfigError
from gateway.config.setting_names import BY_KEY, BY_VARIABLE, SECTIONS, nearest

CONFIG_VARIABLE = "ROWGATE_CONFIG"
DEFAULT_FILE = "rowgate.toml"
# Kubernetes sets these in every pod beside a service that is called rowgate.
_KUBERNETES = re.compile(r"ROWGATE_(SERVICE_(HOST|PORT(_.+)?)|PORT(_\d+_(TCP|UDP)(_.+)?)?)")


class Rank(IntEnum):
    """Which source wins."""

    DEFAULT = 0
    FILE = 1
    VARIABLE = 2
    FLAG = 3


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value is written, as a reader would look for it."""

    rank: Rank
    place: str

    def __str__(self) -> str:
        return self.place


DEFAULT = Source(Rank.DEFAULT, "default")


@dataclass(frozen=True, slots=True)
class Given:
    """A value as it is written somewhere; `key` is `section.name`."""

    key: str
    value: Any
    source: Source


def read_file(path: Path, diagnostics: list[ConfigDiagnostic]) -> Iterator[Given]:
    """Yield the settings of a TOML file; unknown keys become diagnostics. Raises ConfigError."""
    text = _text(path)
    for section, table in _toml(path, text).items():
        place = _place(path, text, section)
        if section not in SECTIONS or not isinstance(table, dict):
            diagnostics.append(ConfigDiagnostic(section, place, "is no section", nearest(section, SECTIONS)))
            continue
        for name, value in table.items():
            key, place = f"{section}.{name}", _place(path, text, section, name)
            if key not in BY_KEY:
                diagnostics.append(ConfigDiagnostic(key, place, "is no setting", nearest(key, BY_KEY)))
            else:
                yield Given(key, _from_folder(path.parent, key, value), Source(Rank.FILE, place))


def read_variables(environ: Mapping[str, str], diagnostics: list[ConfigDiagnostic]) -> Iterator[Given]:
    """Yield the settings of ROWGATE_… variables; unknown ones become diagnostics. Empty ones don't count."""
    for variable in sorted(environ):
        if not variable.startswith("ROWGATE_") or variable == CONFIG_VARIABLE or not environ[variable]:
            continue
        source = Source(Rank.VARIABLE, f"variable {variable}")
        if variable in BY_VARIABLE:
            yield Given(BY_VARIABLE[variable].key, environ[variable], source)
        elif not _KUBERNETES.fullmatch(variable):
            diagnostics.append(
                ConfigDiagnostic(variable, str(source), "is no setting", nearest(variable, BY_VARIABLE))
            )


def read_flags(flags: Mapping[str, Any]) -> Iterator[Given]:
    """Yield the settings of flags, given by `section.name`; None counts as unset."""
    for key, value in flags.items():
        if value is not None:
            flag = BY_KEY[key].off_flag if value is False else BY_KEY[key].flag
            yield Given(key, value, Source(Rank.FLAG, f"flag {flag}"))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([ConfigDiagnostic("config", str(path), "can't be read", str(error))]) from error


def _toml(path: Path, text: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([ConfigDiagnostic("config", str(path), "is no TOML", str(error))]) from error


def _place(path: Path, text: str, section: str, name: str | None = None) -> str:
    """Return file and line of a section, or of a setting in it; tomllib doesn't tell."""
    header = re.compile(rf"\s*\[\s*{re.escape(section)}\s*\]")
    wanted = re.compile(rf"\s*{re.escape(name or '')}\s*=")
    found = 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("["):
            found = number if header.match(line) else 0
        elif found and name is not None and wanted.match(line):
            return f"{path}:{number}"
        if found and name is None:
            return f"{path}:{found}"
    return str(path)


def _from_folder(folder: Path, key: str, value: Any) -> Any:
    """Return a file's relative path seen from the file, as whoever wrote it meant."""
    return folder / value if BY_KEY[key].is_path and isinstance(value, str) else value
