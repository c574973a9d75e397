"""`rowgate` commands that needn't wait for imports: a process that has imported all of it forks for each.

A command is a process as any other, with its own folder, variables, streams, signals and exit status;
`client.py` stands for it with whoever started it. What a command imports, and when, can't be seen so: that is
for `tests.harness.process.ROWGATE`, which starts Python anew.
"""

import atexit
import socket
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

_CLIENT = Path(__file__).with_name("client.py")
_ROOT = Path(__file__).parents[3]


@cache
def preloaded_rowgate() -> Sequence[str]:
    """Return the beginning of a command line; the process that forks ends with this one."""
    folder = TemporaryDirectory(prefix="rowgate-")
    path = f"{folder.name}/commands"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(64)
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.harness.preloaded.server", str(listener.fileno())],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            pass_fds=[listener.fileno()],
        )

    def end() -> None:
        server.communicate()
        folder.cleanup()

    atexit.register(end)
    return (sys.executable, "-I", "-S", str(_CLIENT), path)


def on_path(folder: Path) -> Path:
    """Write a program `rowgate` into a folder, which is returned: it is meant for the front of PATH."""
    program = folder / "rowgate"
    program.write_text(f'#!/bin/sh\nexec {" ".join(preloaded_rowgate())} "$@"\n')
    program.chmod(0o755)
    return folder
