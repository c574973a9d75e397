"""Slips in revisions that somebody wrote or changed: they are told with file and line."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import extract_tb

from sqlalchemy.exc import DBAPIError

from gateway.migrate.errors import MigrationError


def place_of(error: BaseException, folder: Path) -> str:
    """Return where in the folder an error was raised, as `file:line`; empty where it was elsewhere."""
    places = [(frame.filename, frame.lineno) for frame in extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError):
        places.append((error.filename or "", error.lineno))
    own = [(file, line) for file, line in places if Path(file).resolve().parent == folder.resolve()]
    return f"{own[-1][0]}:{own[-1][1]}" if own else ""


def place_of_text(folder: Path, name: str, text: str) -> str:
    """Return where a revision gives a name such a value, as `file:line`; empty where none does."""
    for path in sorted(folder.glob("*.py")):
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            if line.startswith(name) and text.strip("'") in line:
                return f"{path}:{number}"
    return ""


@contextmanager
def placed(folder: Path) -> Iterator[None]:
    """Raise MigrationError for what the Python of a revision raises; what PostgreSQL refuses passes."""
    try:
        yield
    except (MigrationError, DBAPIError):
        raise
    except Exception as error:
        place = place_of(error, folder)
        if not place:
            raise
        said = error.msg if isinstance(error, SyntaxError) else error
        raise MigrationError(f"{place}: {type(error).__name__}: {said}") from error
