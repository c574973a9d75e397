"""PostGraphile, got through npm."""

import shutil
import subprocess
from pathlib import Path

from bench import golang

_PEER = Path(__file__).parent / "peers" / "postgraphile"
_SECONDS = 300


def postgraphile() -> Path:
    """Install what the lock file names, once; return the program. Raises RuntimeError where it can't."""
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeError("there is no npm here")
    folder = golang.BUILD / "postgraphile"
    program = folder / "node_modules" / ".bin" / "postgraphile"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(_PEER / name, folder)
        command = [npm, "ci", "--no-audit", "--no-fund", "--silent"]
        done = subprocess.run(command, cwd=folder, timeout=_SECONDS, check=False)  # noqa: S603 - ours
        if done.returncode:
            raise RuntimeError(f"npm ci ended with {done.returncode}")
    return program
