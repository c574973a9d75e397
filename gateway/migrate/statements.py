"""What a revision file calls: statements run as they are written, with no parameters, escapes or dialect."""

from contextlib import AbstractContextManager
from textwrap import dedent
from typing import Any

from alembic import op
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import ExecutableDDLElement


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


def committed() -> AbstractContextManager[None]:
    """Commit what came before, and each statement inside: a new enum label can be used only then."""
    return op.get_context().autocommit_block()
