"""Settings as flags, read together with the file and the variables."""

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from gateway.cli.failures import reported
from gateway.config.load import Loaded, load_settings
from gateway.config.setting_names import SETTINGS, Setting

_CONFIG_HELP = "The settings file; by default ROWGATE_CONFIG, else rowgate.toml where there is one."


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
    flag, text = setting.flag, setting.description
    if setting.is_list:
        return click.option(flag, setting.flat, multiple=True, callback=_joined, help=text, metavar="VALUE")
    if setting.is_switch:
        return click.option(f"{flag}/{setting.off_flag}", setting.flat, default=None, help=text)
    return click.option(flag, setting.flat, default=None, help=text, metavar="VALUE")


def _joined(_context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> str | None:
    """Return a flag's values as one, as a variable has them; None where it isn't there."""
    return ",".join(given) if given else None
