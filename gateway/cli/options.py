"""Settings as flags, read together with the file and the variables."""

import os
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

import click

from gateway.cli.failures import reported
from gateway.config.load import Loaded, load_settings
from gateway.config.setting_names import SECTIONS, SETTINGS, Setting

_HOW = (
    "Each setting is a flag, a variable (ROWGATE_POOL_SIZE for --pool-size), or stands in the settings file "
    "([database] pool_size); flags win, then variables."
)
_CONFIG_HELP = "The settings file; by default ROWGATE_CONFIG, else rowgate.toml where there is one."


class SettingOption(click.Option):
    """A setting as a flag. Its help stands in its section's part."""

    def __init__(self, *args: Any, setting: Setting, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.section = setting.section


class SettingsCommand(click.Command):
    """A command whose help has the settings by section, behind its own options."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write all options."""
        _write_options(self, ctx, formatter)


class SettingsGroup(click.Group):
    """As SettingsCommand, for a group and its commands."""

    command_class = SettingsCommand

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write all options, then the commands."""
        _write_options(self, ctx, formatter)
        self.format_commands(ctx, formatter)


def _write_options(command: click.Command, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    parts: dict[str, list[tuple[str, str]]] = {"": []}
    for parameter in command.get_params(ctx):
        section = parameter.section if isinstance(parameter, SettingOption) else ""
        record = parameter.get_help_record(ctx)
        if record is not None and not isinstance(parameter, click.Argument):
            parts.setdefault(section, []).append(record)
    own = parts.pop("")
    with formatter.section("Options"):
        formatter.write_dl(own)
    if parts:
        formatter.write_paragraph()
        formatter.write_text(_HOW)
    for section, records in parts.items():
        about, _, _ = (SECTIONS[section].__doc__ or "").partition(".")
        with formatter.section(f"[{section}] {about}"):
            formatter.write_dl(records)


def with_settings(*sections: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the flags of some sections (all by default), and as `load` what reads the settings.

    A single setting is named as `section.name`.

    That ends the command with status 2, and a line for each, where they are wrong.
    """
    offered = [s for s in SETTINGS if s.is_flag and (not sections or {s.section, s.key} & {*sections})]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def run(config: Path | None, **given: Any) -> None:
            flags = {setting.key: given.pop(setting.flat) for setting in offered}

            def load() -> Loaded:
                with reported():
                    return load_settings(environ=os.environ, flags=flags, config=config)

            command(load=load, **given)

        decorated: Callable[..., None] = run
        for setting in reversed(offered):
            decorated = _option(setting)(decorated)
        config_path = click.Path(path_type=Path, dir_okay=False)
        return click.option("--config", type=config_path, help=_CONFIG_HELP, metavar="FILE")(decorated)

    return decorate


def _option(setting: Setting) -> Callable[[Callable[..., None]], Callable[..., None]]:
    flag, default = setting.flag, f" [default: {setting.default_text}]" if setting.default_text else ""
    common: dict[str, Any] = {
        "cls": SettingOption,
        "setting": setting,
        "help": f"{setting.description}{default}",
    }
    if setting.is_list:
        return click.option(flag, setting.flat, multiple=True, callback=_joined, metavar="VALUE", **common)
    if setting.is_switch:
        return click.option(f"{flag}/{setting.off_flag}", setting.flat, default=None, **common)
    kind = click.Path() if setting.is_path else click.STRING
    return click.option(
        flag, setting.flat, default=None, type=kind, metavar=setting.unit, **common, **_completed(setting)
    )


def _completed(setting: Setting) -> Mapping[str, Any]:
    """Return what a shell offers for a flag that takes one of a few words; paths are known by their type."""
    if not setting.choices:
        return {}

    def complete(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
        return [word for word in setting.choices if word.startswith(begun)]

    return {"shell_complete": complete}


def _joined(_context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> str | None:
    """Return a flag's values as one, as a variable has them; None where it isn't there."""
    return ",".join(given) if given else None
