"""Reloads: settings and schema are read anew while they are served."""

import asyncio
import logging
from collections.abc import Callable

import click

from gateway.cli.failures import Failed, reported
from gateway.cli.serving.plan import make_plan
from gateway.cli.serving.processes import Processes
from gateway.cli.serving.saved_files import SavedFiles
from gateway.config.load import Loaded
from gateway.observe.log import configure_logging

_logger = logging.getLogger(__name__)
_FIRST_DELAY = 1.0
_MAX_DELAY = 10.0


class Reloads:
    """Serves by what the settings and the schema say then, each time that it is told, or a file is saved.

    Args:
        load: reads the settings.
        files: those that are watched; None where nobody watches.

    """

    def __init__(self, load: Callable[[], Loaded], files: SavedFiles | None) -> None:
        self._load = load
        self._files = files
        self._told = asyncio.Event()
        self._error = ""
        self._delay: float | None = None

    def tell(self) -> None:
        """Reload, now or when `run` begins."""
        self._told.set()

    async def run(self, processes: Processes) -> None:
        """Reload whenever it is due."""
        while True:
            await self._until_due()
            await self._reload(processes)

    async def _until_due(self) -> None:
        """Return when it was told, when a watched file was saved, or when a failed reload is tried again."""
        told = asyncio.ensure_future(self._told.wait())
        waits = [told] if self._files is None else [told, asyncio.ensure_future(self._saved(self._files))]
        try:
            done, _ = await asyncio.wait(waits, timeout=self._delay, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()
        self._told.clear()
        if done:
            self._error, self._delay = "", None

    async def _saved(self, files: SavedFiles) -> bool:
        _logger.info("saved", extra={"files": [str(path) for path in await files.saved()]})
        return True

    async def _reload(self, processes: Processes) -> None:
        try:
            loaded = await asyncio.to_thread(self._load)
            if self._files is not None:
                await asyncio.to_thread(self._files.follow, loaded)
            with reported():
                plan = await asyncio.to_thread(make_plan, loaded, watched=self._files is not None)
                await processes.reload(plan)
        except click.ClickException as error:
            self._failed(error)
        except Exception:
            self._delay = None
            _logger.exception("not reloaded: it serves as before")
        else:
            self._error, self._delay = "", None
            _logger.info("reloaded", extra={"services": list(processes.services)})
            configure_logging(loaded.settings.log.level, loaded.settings.log.format)

    def _failed(self, error: click.ClickException) -> None:
        """Tell why, once; try again where another change may help, such as `rowgate migrate`."""
        if error.message != self._error:
            _logger.error("not reloaded: it serves as before", extra={"error": error.message})
        self._error = error.message
        if self._files is not None and error.exit_code == Failed.exit_code:
            self._delay = min(2 * self._delay, _MAX_DELAY) if self._delay else _FIRST_DELAY
        else:
            self._delay = None
