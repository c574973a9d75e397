"""Statements of a revision file, run as they are written: no parameters, no escapes, no dialect."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from textwrap import dedent
from typing import Any

from alembic import op
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import ExecutableDDLElement

from gateway.introspect.tables.table_records import Name
from gateway.migrate.locks.waits import LockWaits
from gateway.migrate.plan.record import BEGIN, REFUSED, VERSION_TABLE, Recorded, adopt, end, leftover
from gateway.schema.tables.internal import INTERNAL_SCHEMA
from gateway.schema.tables.literals import literal

LINEAGE = "rowgate_lineage"
"""The option of Alembic's context that holds the folder's first revision."""


WAITS_OPTION = "rowgate_waits"
"""The option that holds how long is waited for locks."""


class Verbatim(ExecutableDDLElement):
    """A statement whose text reaches PostgreSQL unchanged: `:name` and `%` mean nothing in it."""

    inherit_cache = False

    def __init__(self, text: str) -> None:
        self.text = text


@compiles(Verbatim)
def _compile(element: Verbatim, _compiler: Any, **_options: Any) -> str:
    return element.text


def execute(statement: str) -> None:
    """Run one statement, or print it with --sql. Common indentation is taken off."""
    op.execute(Verbatim(dedent(statement).strip()))


@contextmanager
def committed() -> Iterator[None]:
    """Commit what came before, and each statement inside: a new enum label can be used only then."""
    execute(end(_lineage()))
    with op.get_context().autocommit_block():
        yield
    _begin()


def build_index(schema: str, table: str, index: str, statement: str) -> None:
    """Commit what came before, and build an index CONCURRENTLY; drop what is left of a build that failed.

    Args:
        schema: the table's schema.
        table: the table's name.
        index: the index's name.
        statement: CREATE INDEX CONCURRENTLY IF NOT EXISTS.

    """
    name = Name(schema, table)
    execute(leftover(name, index))
    with committed():
        execute(_waits().patient_statement)
        execute(statement)
        execute("RESET lock_timeout")
    execute(adopt(name, [Recorded("index", name, index)]))


def in_batches(statement: str) -> None:
    """Commit what came before, and run one statement that commits as it goes on."""
    with committed():
        for each in (
            *_waits().batches_statements,
            statement,
            "RESET lock_timeout",
            "RESET statement_timeout",
        ):
            execute(each)


def recorded(
    revision: Callable[..., None], after: Sequence[str], numbers: Mapping[Recorded, int]
) -> Callable[..., None]:
    """Return the revision's function, which then records what it makes.

    It fails unless the database is at the revision before it: psql goes on with a script behind what failed.

    Args:
        revision: what it does.
        after: the revision before it; none for the first.
        numbers: the numbers of the fields that its columns are made from.

    """

    def run(**options: Any) -> None:
        execute(_require(after))
        _begin()
        revision(**options)
        execute(end(_lineage(), numbers))

    return run


def _require(revisions: Sequence[str]) -> str:
    ids = ", ".join(map(literal, sorted(revisions)))
    before = ", ".join(revisions) or "none"
    message = literal(f"the database isn't at the revision before this one ({before})")
    return f"""DO $revision$
BEGIN
    IF ARRAY(
        SELECT version_num::text COLLATE "C" FROM {INTERNAL_SCHEMA}.{VERSION_TABLE} ORDER BY 1
    ) <> ARRAY[{ids}]::text[] THEN
        RAISE EXCEPTION USING ERRCODE = '{REFUSED}', MESSAGE = {message};
    END IF;
END $revision$"""  # noqa: S608 - literals and constants


def _begin() -> None:
    execute(_waits().statement)
    execute(BEGIN)


def _waits() -> LockWaits:
    waits: LockWaits = op.get_context().opts[WAITS_OPTION]
    return waits


def _lineage() -> str:
    return str(op.get_context().opts[LINEAGE])
