"""Files with handlers and hooks: loaded at the start, and whatever is wrong with them told with its place."""

import sys
import sysconfig
import traceback
from collections.abc import Sequence
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from gateway.handlers.errors import HandlersError
from gateway.schema.diagnostics import Diagnostic

_PREFIX = "rowgate_handlers_"
"""Before the names of modules that are files: none of them stands in the place of another module."""
_OF_OTHERS = ("<", __file__, *{sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})
"""What the files of Python itself and of installed packages begin with."""


def load_modules(names: Sequence[str]) -> Sequence[ModuleType]:
    """Return modules, in their order; raises HandlersError for those that can't be loaded.

    Each is carried out once in every process that serves. What stands beside a file can be imported by it.

    Args:
        names: paths that end in .py, and names of modules.

    """
    loaded: list[ModuleType] = []
    wrong: list[Diagnostic] = []
    for name in dict.fromkeys(names):
        try:
            loaded.append(_load_file(Path(name)) if name.endswith(".py") else _load_module(name))
        except HandlersError as error:
            wrong += error.diagnostics
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a file does is told
            wrong.append(_failure(name, error))
    if wrong:
        raise HandlersError(wrong)
    return loaded


def _load_file(path: Path) -> ModuleType:
    path = path.absolute()
    if not path.is_file():
        raise HandlersError([Diagnostic(str(path), 0, "", "there is no such file")])
    _make_importable(path.parent)
    spec = spec_from_file_location(f"{_PREFIX}{path.stem}", path)
    if spec is None or spec.loader is None:
        raise HandlersError([Diagnostic(str(path), 0, "", "is no file of Python")])
    module = module_from_spec(spec)
    sys.modules[module.__name__] = module  # as dataclasses and type hints look themselves up
    spec.loader.exec_module(module)
    return module


def _load_module(name: str) -> ModuleType:
    _make_importable(Path.cwd())
    return import_module(name)


def _make_importable(folder: Path) -> None:
    """Have the modules of a folder found, after all others: none stands in the place of the gateway's."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def _failure(name: str, error: BaseException) -> Diagnostic:
    """Return what a file fails with, at the last line of it, or of what it imports of its author's."""
    told = f"{type(error).__name__}: {error}".rstrip(": ")
    if isinstance(error, SyntaxError) and error.filename:
        return Diagnostic(error.filename, error.lineno or 0, "", f"SyntaxError: {error.msg}")
    places = [(one.filename, one.lineno or 0) for one in traceback.extract_tb(error.__traceback__)]
    own = [place for place in places if not place[0].startswith(_OF_OTHERS)]
    file, line = own[-1] if own else (name, 0)
    return Diagnostic(file, line, "", told)
