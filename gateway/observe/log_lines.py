"""Lines that are ready to be written, beside the records of Python's logging."""

import asyncio
import logging
from contextlib import suppress
from typing import TextIO


class LineHandler(logging.StreamHandler[TextIO]):
    """Writes records, and lines that need no formatting: those of one turn of the event loop together.

    Only the event loop's thread may hand it lines.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._waiting: list[str] = []

    @staticmethod
    def installed() -> "LineHandler | None":
        """Return the root logger's; None where it has none."""
        return next((one for one in logging.getLogger().handlers if isinstance(one, LineHandler)), None)

    def write_soon(self, line: str) -> None:
        """Write the line at the event loop's next turn; at once where none runs."""
        self._waiting.append(line)
        if len(self._waiting) > 1:
            return
        try:
            asyncio.get_running_loop().call_soon(self._write)
        except RuntimeError:
            self._write()

    def close(self) -> None:
        """Write what waits."""
        self._write()
        super().close()

    def _write(self) -> None:
        lines, self._waiting = "".join(self._waiting), []
        self.acquire()
        try:
            # Who can't write the log can't say so.
            with suppress(OSError, ValueError):
                self.stream.write(lines)
                self.flush()
        finally:
            self.release()
