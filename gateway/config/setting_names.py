"""Every setting's names: its key in the file, its variable and its flag."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from gateway.config.auth_settings import AuthSettings
from gateway.config.section import Section
from gateway.config.settings import (
    AdminSettings,
    CacheSettings,
    CoalesceSettings,
    DatabaseSettings,
    HttpSettings,
    LimitSettings,
    LogSettings,
    SchemaSettings,
    ServerSettings,
    TokenSettings,
    TraceSettings,
)


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting.

    Args:
        section: the section's name.
        name: the setting's name in its section.
        flat: its name among all settings.
        info: pydantic's record of type, default and description.

    """

    section: str
    name: str
    flat: str
    info: FieldInfo

    @property
    def key(self) -> str:
        """`section.name`, as in the file."""
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        """The environment variable."""
        return f"ROWGATE_{self.flat.upper()}"

    @property
    def flag(self) -> str:
        """The flag, with its dashes."""
        return f"--{self.flat.replace('_', '-')}"

    @property
    def off_flag(self) -> str:
        """The flag that switches a switch off."""
        return f"--no-{self.flat.replace('_', '-')}"

    @property
    def description(self) -> str:
        """One line that says what it is."""
        return self.info.description or ""

    @property
    def is_path(self) -> bool:
        """Whether it names a file or folder."""
        return self.info.annotation in (Path, Path | None)

    @property
    def is_secret(self) -> bool:
        """Whether its value is never shown."""
        return self.info.annotation == SecretStr | None

    @property
    def is_flag(self) -> bool:
        """Whether a flag sets it; a key on a command line would be seen by every user of the machine."""
        return self.key not in ("tokens.secret", "cache.url")

    @property
    def is_switch(self) -> bool:
        """Whether it is on or off."""
        return self.info.annotation is bool

    @property
    def is_list(self) -> bool:
        """Whether it has several values, which a flag gives one after the other."""
        return isinstance(self.default, tuple)

    @property
    def default(self) -> Any:
        """The value of who sets nothing."""
        return self.info.default

    @property
    def default_text(self) -> str:
        """The default as a reader has it; empty where there is none."""
        value = self.default
        if value is None or value == ():
            return ""
        if isinstance(value, bool):
            return "on" if value else "off"
        if isinstance(value, tuple):
            value = ", ".join(map(str, value))
        return str(value).removesuffix(".0")

    @property
    def choices(self) -> tuple[str, ...]:
        """The words that it may be, where these are few."""
        return get_args(self.info.annotation) if get_origin(self.info.annotation) is Literal else ()

    @property
    def unit(self) -> str:
        """What a value is, in one word for a command's help."""
        if self.is_path:
            return "PATH"
        return {int: "NUMBER", float: "SECONDS"}.get(type(self.default), "VALUE")


SECTIONS: Mapping[str, type[Section]] = {
    "schema": SchemaSettings,
    "database": DatabaseSettings,
    "coalesce": CoalesceSettings,
    "cache": CacheSettings,
    "server": ServerSettings,
    "http": HttpSettings,
    "auth": AuthSettings,
    "limits": LimitSettings,
    "log": LogSettings,
    "admin": AdminSettings,
    "traces": TraceSettings,
    "tokens": TokenSettings,
}
"""Each section's class, by its name."""

SETTINGS: tuple[Setting, ...] = tuple(
    Setting(section, name, f"{cls.flat_prefix}{name}", info)
    for section, cls in SECTIONS.items()
    for name, info in cls.model_fields.items()
)
"""All settings, in the order in which they are documented."""

BY_KEY: Mapping[str, Setting] = {setting.key: setting for setting in SETTINGS}
BY_FLAT: Mapping[str, Setting] = {setting.flat: setting for setting in SETTINGS}
BY_VARIABLE: Mapping[str, Setting] = {setting.variable: setting for setting in SETTINGS}


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint for an unknown name: the nearest known one, else all of them."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(names)}"
