"""From the sources to one settings object, which remembers where each value came from."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gateway.config.errors import ConfigDiagnostic, ConfigError
from gateway.config.rules import contradictions, forget_foreign_migrations
from gateway.config.section import Section
from gateway.config.setting_names import BY_FLAT, BY_KEY, SECTIONS, SETTINGS, Setting
from gateway.config.setting_sources import (
    CONFIG_VARIABLE,
    DEFAULT,
    DEFAULT_FILE,
    Given,
    Source,
    read_file,
    read_flags,
    read_variables,
)
from gateway.config.settings import Settings

# Of kinds of values, in place of pydantic's words, which are for those who write Python.
_WORDS = {
    "bool_parsing": "should be true or false",
    "float_parsing": "should be a number",
    "int_parsing": "should be a whole number",
    "path_type": "should be a path, in quotes",
    "string_type": "should be a text, in quotes",
    "tuple_type": "should be a text or a list of texts, in quotes",
}


@dataclass(frozen=True, slots=True)
class Loaded:
    """The effective settings.

    Args:
        settings: all of them.
        sources: each one's source, by `section.name`.
        file: the settings file; it need not be there.

    """

    settings: Settings
    sources: Mapping[str, Source]
    file: Path = Path(DEFAULT_FILE)

    def source(self, key: str) -> Source:
        """Return where a setting's value came from."""
        return self.sources.get(key, DEFAULT)

    def value(self, setting: Setting) -> Any:
        """Return a setting's value."""
        return getattr(getattr(self.settings, setting.section), setting.name)


def load_settings(
    *, environ: Mapping[str, str], flags: Mapping[str, Any] | None = None, config: Path | None = None
) -> Loaded:
    """Read the file, the variables and the flags; the later win.

    Args:
        environ: the environment.
        flags: values by `section.name`, as a command line's user wrote them; None is unset.
        config: the file; without it ROWGATE_CONFIG, and without that rowgate.toml, which need not be there.

    Raises ConfigError with every diagnostic of every source.

    """
    diagnostics: list[ConfigDiagnostic] = []
    file = config_file(environ, config)
    written = (
        *(read_file(file, diagnostics) if file else ()),
        *read_variables(environ, diagnostics),
        *read_flags(flags or {}),
    )
    loaded = _merge({one.key: one for one in written}, diagnostics)
    return replace(loaded, file=file) if file else loaded


def _merge(given: dict[str, Given], diagnostics: list[ConfigDiagnostic]) -> Loaded:
    forget_foreign_migrations(given)
    sections = {name: _section(name, cls, given, diagnostics) for name, cls in SECTIONS.items()}
    if not diagnostics:
        loaded = Loaded(Settings(**sections), {key: one.source for key, one in given.items()})
        diagnostics += contradictions(loaded.settings, loaded.source)
        if not diagnostics:
            return loaded
    raise ConfigError(diagnostics)


def settings_of(**values: Any) -> Settings:
    """Return settings from their flat names (`pool_size=4`); no file and no variable is read.

    Raises ConfigError.
    """
    flags = {BY_FLAT[name].key: value for name, value in values.items()}
    return _merge({one.key: one for one in read_flags(flags)}, []).settings


def config_file(environ: Mapping[str, str], config: Path | None) -> Path | None:
    """Return the file to read; None where none was named and there is no rowgate.toml."""
    named = config or (Path(environ[CONFIG_VARIABLE]) if environ.get(CONFIG_VARIABLE) else None)
    return named or (Path(DEFAULT_FILE) if Path(DEFAULT_FILE).is_file() else None)


def _section(
    name: str, cls: type[Section], given: Mapping[str, Given], diagnostics: list[ConfigDiagnostic]
) -> Any:
    keys = {setting.name: setting.key for setting in SETTINGS if setting.section == name}
    values = {short: given[key].value for short, key in keys.items() if key in given}
    try:
        return cls.model_validate(values)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            key = keys[str(detail["loc"][0])]
            diagnostics.append(_diagnostic(given[key], _WORDS.get(detail["type"], detail["msg"])))
    return None


def _diagnostic(given: Given, message: str) -> ConfigDiagnostic:
    shown = "the value" if BY_KEY[given.key].is_secret else repr(given.value)
    text = message.removeprefix("Value error, ").replace("Input should", "should")
    return ConfigDiagnostic(given.key, str(given.source), f"{shown}: {text}", BY_KEY[given.key].description)
