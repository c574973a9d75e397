"""A migrations folder: its revisions, in order, and new ones."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path
from warnings import catch_warnings, filterwarnings

from alembic.script import Script, ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util import CommandError

from gateway.introspect.tables.table_records import Name
from gateway.migrate.errors import MigrationError
from gateway.migrate.plan.record import Recorded
from gateway.migrate.plan.steps import Plan, Step
from gateway.migrate.revisions.render import (
    imports_of,
    in_files,
    render_fields,
    render_statements,
    render_words,
)
from gateway.migrate.revisions.slips import place_of_text, placed

_TEMPLATE = Path(__file__).parent / "template"
_REVISION_DIGITS = 12
_SLUG_LENGTH = 40


class Folder:
    """A folder of revision files, one line of them from the first to the head.

    Args:
        path: the folder. It needs not exist until the first revision is written.

    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.scripts = self._load("%(slug)s")

    def _load(self, file_template: str) -> ScriptDirectory:
        return ScriptDirectory(
            _TEMPLATE,
            file_template=file_template,
            version_locations=[str(self.path)],
            messaging_opts={"quiet": True},
        )

    @property
    def head(self) -> str | None:
        """The last revision; None in an empty folder. Raises MigrationError where there are several."""
        with self._explained():
            return self.scripts.get_current_head()

    @property
    def lineage(self) -> str:
        """The first revision, by which the folder is told from others; empty in an empty folder."""
        with self._explained():
            return self.scripts.get_base() or ""

    def pending(self, current: str | None) -> Sequence[Script]:
        """Return the revisions after the current one, first to last.

        Raises MigrationError where the folder doesn't know the current one, or branches.
        """
        with self._explained():
            self._refuse_branches()
            if current is not None and current not in {one.revision for one in self.scripts.walk_revisions()}:
                raise MigrationError(f"the database is at revision {current}, which isn't in {self.path}")
            revisions = list(self.scripts.iterate_revisions("heads", current or "base"))
        for one in revisions:
            if not callable(getattr(one.module, "upgrade", None)):
                raise MigrationError(f"{one.path}: has no function `upgrade`")
        return list(reversed(revisions))

    def write(self, message: str, planned: Plan, *, day: date) -> tuple[Path, ...]:
        """Write new revisions after the head; return their files, such as `2026-11-20_add_flight.py`.

        There are several where steps can't be undone together.

        Args:
            message: what it is for; its first words name the file.
            planned: what it does.
            day: its date.

        """
        title = message[:1].upper() + message[1:].strip().rstrip(".")
        name = f"{day.isoformat()}_{_slug(message)}"
        files = in_files(planned.steps)
        numbers: list[Mapping[Recorded, int]] = [planned.numbers, *({} for _ in files[1:])]
        names, titles = [name], [title]
        if len(files) > 1:
            names += [f"{name}_{number}" for number in range(2, len(files) + 1)]
            titles = [f"{title} ({number} of {len(files)})" for number in range(1, len(files) + 1)]
        for path in map(self._path, names):
            if path.exists():
                raise MigrationError(f"{path} is there already: give another message")
        return tuple(map(partial(self._write, day), names, titles, files, numbers))

    def _path(self, name: str) -> Path:
        return self.path / f"{name}.py"

    def _write(
        self, day: date, name: str, title: str, steps: Sequence[Step], numbers: Mapping[Recorded, int]
    ) -> Path:
        with self._explained():
            self._load(name).generate_revision(
                self._new_id(title, day),
                title,
                day=day.isoformat(),
                statements=render_statements(steps),
                imports=imports_of(steps),
                destroys=render_words(step.destroys for step in steps),
                breaks=render_words(step.breaks for step in steps),
                fields=render_fields(numbers),
            )
        self.scripts = self._load("%(slug)s")
        return self._path(name)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            with placed(self.path), catch_warnings():
                # Of a down_revision that no file is, it fails right behind its warning.
                filterwarnings("ignore", "Revision .* referenced from ", UserWarning)
                yield
        except (CommandError, RevisionError) as error:
            raise MigrationError(f"the migrations folder can't be used: {error}") from error
        except KeyError as error:
            # Alembic's whole word for a down_revision that no file is.
            place = place_of_text(self.path, "down_revision", str(error))
            if not place:
                raise
            raise MigrationError(f"{place}: no file of the folder is revision {error}") from error

    def _refuse_branches(self) -> None:
        heads = sorted(name_of(self.scripts.get_revision(head)) for head in self.scripts.get_heads())
        if len(heads) > 1:
            raise MigrationError(
                f"several revisions are the last: {', '.join(heads)}; let the down_revision of one be another"
            )

    def _new_id(self, message: str, day: date) -> str:
        """Return an id that two branches get alike only for the same revision."""
        text = f"{self.head}\n{day}\n{message}"
        return hashlib.sha256(text.encode()).hexdigest()[:_REVISION_DIGITS]


def losses_of(script: Script) -> tuple[str, ...]:
    """Return what a revision says that it destroys."""
    return tuple(getattr(script.module, "destroys", ()))


def breaks_of(script: Script) -> tuple[str, ...]:
    """Return what of a revision gateways from before it fail on."""
    return tuple(getattr(script.module, "breaks", ()))


def numbers_of(script: Script) -> dict[Recorded, int]:
    """Return the numbers of the fields that a revision's columns are made from."""
    fields: Mapping[tuple[str, str, str], int] = getattr(script.module, "fields", {})
    return {
        Recorded("column", Name(schema, table), column): number
        for (schema, table, column), number in fields.items()
    }


def name_of(script: Script) -> str:
    """Return a revision's name for a reader: its file's, without the ending."""
    return Path(script.path).stem


def _slug(message: str) -> str:
    return re.sub(r"\W+", "_", message.lower()).strip("_")[:_SLUG_LENGTH].strip("_") or "revision"
