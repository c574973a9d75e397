"""Tests spread over processes (pytest-xdist): file by file, and in one process what shares something dear."""

from collections.abc import Mapping

from xdist.scheduler import LoadFileScheduling

_TOGETHER: Mapping[str, str] = {
    "tests/bench/": "bench",  # built once, into one folder
    "tests/docs/test_commands.py": "sample",  # served and loaded once
    "tests/sample/": "sample",
    "tests/tools/": "sample",
}
"""What goes to one process, by how the paths begin."""


class ByFile(LoadFileScheduling):  # type: ignore[misc]  # xdist tells no types
    """Gives each process the next file when it is about to end its last one."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return next((unit for path, unit in _TOGETHER.items() if file.startswith(path)), file)
