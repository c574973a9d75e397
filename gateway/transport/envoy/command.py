"""The command line that runs Envoy."""

import json
import sys
from collections.abc import Mapping, Sequence

from gateway.config.settings import LogSettings, Settings
from gateway.observe.log import is_console
from gateway.transport.envoy.bootstrap import Hosting, bootstrap
from gateway.transport.envoy.installed import Installed

# Envoy has more to say than we do at each level, and calls its own stop a warning.
_LEVELS: Mapping[str, str] = {"debug": "info", "info": "warning", "warning": "warning", "error": "critical"}
# Envoy's own account of its end; and that the messages of its Connect bridge may change one day.
_COMPONENTS = "main:critical,misc:error"
_LINE = "%Y-%m-%d %H:%M:%S [%l] envoy.%n: %v"
_JSON_LINE = '{"event": "%j", "level": "%l", "logger": "envoy.%n", "timestamp": "%Y-%m-%dT%H:%M:%S.%f%z"}'


# Every caller is told to go at once, not one after the other over ten minutes.
_DRAIN = ("--drain-strategy", "immediate")
_CONFIGURATION = "envoy.json"


def files(hosting: Hosting, settings: Settings) -> Mapping[str, str]:
    """Return what has to lie in Envoy's working folder: a schema is too long for a command line."""
    return {_CONFIGURATION: json.dumps(bootstrap(hosting, settings))}


def command(installed: Installed, log: LogSettings) -> Sequence[str]:
    """Return what runs one Envoy."""
    return (
        str(installed.envoy),
        "--config-path",
        _CONFIGURATION,
        "--concurrency",
        "1",
        "--use-dynamic-base-id",
        "--disable-hot-restart",
        *_DRAIN,
        *_logging(log),
    )


def _logging(log: LogSettings) -> Sequence[str]:
    line = _LINE if is_console(log.format, sys.stderr) else _JSON_LINE
    return ("--log-level", _LEVELS[log.level], "--component-log-level", _COMPONENTS, "--log-format", line)
