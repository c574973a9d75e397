"""The log: records of Python's logging, rendered by structlog as JSON lines or for eyes, to standard error.

Every module logs with `logging.getLogger(__name__)`, an event in plain words, and `extra` for its record.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Literal, TextIO

import structlog

from gateway.observe.log_lines import LineHandler

Format = Literal["auto", "json", "console"]

AUDIT_LOGGER = "gateway.audit"
"""Tells changes of audited tables."""
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure_logging(level: str, format_: Format = "auto", stream: TextIO | None = None) -> None:
    """Send the root logger's records of `level` and above to `stream` (standard error by default)."""
    stream = stream or sys.stderr
    console = is_console(format_, stream)
    handler = logging.StreamHandler(stream) if console else LineHandler(stream)
    handler.setFormatter(_formatter(console=console))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(_LEVELS[level])
    # Whoever wants fewer lines doesn't mean these.
    logging.getLogger(AUDIT_LOGGER).setLevel(logging.INFO)


def is_console(format_: Format, stream: TextIO) -> bool:
    """Return whether lines on `stream` are for eyes, and not JSON."""
    return format_ == "console" or (format_ == "auto" and stream.isatty())


def _formatter(*, console: bool) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(console=console)],
    )


def _renderers(*, console: bool) -> list[Any]:
    if console:
        # structlog's default shows the local variables of a traceback's frames: passwords and rows.
        plain = structlog.dev.plain_traceback
        console_renderer = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=plain
        )
        return [_error_behind, console_renderer]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=str)]


def _error_behind(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Have an error of several lines written as such, behind the line of the event."""
    lines = str(event.get("error", "")).splitlines()
    if len(lines) > 1:
        del event["error"]
        event["stack"] = "\n".join(f"  {_printable(line)}" for line in lines if line)
    return event


def _printable(line: str) -> str:
    """Escape what would control a terminal."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in line)
