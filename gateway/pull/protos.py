"""A pull: the catalog is read, each table becomes a resource and a service, and the protos are tried.

The protos are compiled and read as `rowgate serve` does, so that what is written is served. A table that the
rules of schemas refuse all the same is left out, with what they say.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.introspect.catalog import Connection
from gateway.introspect.table_records import Name
from gateway.pull.catalog import Found, read_database
from gateway.pull.choices import Choices
from gateway.pull.committed import Committed, read_committed
from gateway.pull.draft import Draft, draft
from gateway.pull.names import package_part
from gateway.pull.report import Report
from gateway.schema.diagnostics import Diagnostic, SchemaError
from gateway.schema.protos.sources import compile_protos
from gateway.schema.read import read_schema


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull found.

    Args:
        choices: the choices, the package among them.
        files: the protos' texts, by path; none where no table can be served.
        report: what became of each relation.

    """

    choices: Choices
    files: Mapping[str, str]
    report: Report


async def pull_protos(connection: Connection, folder: Path, choices: Choices) -> Pulled:
    """Return the protos that serve a database, beside those that the folder holds; nothing is written.

    Args:
        connection: outside a transaction; nothing in the database is changed.
        folder: where the protos of earlier pulls are, if there were any.
        choices: what is asked for.

    Raises SchemaError where the folder's protos are wrong.

    """
    committed = read_committed(folder)
    found = await read_database(connection, choices.schemas)
    package = choices.package or package_part(found.database, "database")
    chosen = choices.model_copy(update={"package": package})
    tried = _tried(found, committed, chosen)
    return Pulled(chosen, {file.path: str(file) for file in tried.files}, tried.report)


def _tried(found: Found, committed: Committed, choices: Choices) -> Draft:
    """Return the protos of all tables that a schema can have."""
    refused: dict[Name, str] = {}
    while True:
        made = draft(found, committed, choices, refused)
        wrong = _refused(made)
        if not wrong:
            return made
        refused |= wrong


def _refused(made: Draft) -> dict[Name, str]:
    """Return the tables that can't be served, and why; raises SchemaError where it isn't theirs."""
    if not made.files:
        return {}
    with tempfile.TemporaryDirectory(prefix="rowgate-") as scratch:
        for file in made.files:
            path = Path(scratch) / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(str(file), encoding="utf-8")
        try:
            read_schema(compile_protos(Path(scratch)))
        except SchemaError as error:
            refused = {}
            for diagnostic in error.diagnostics:
                owner = _owner(made, diagnostic)
                if owner is None:
                    raise
                refused[owner] = f"{diagnostic.where.rpartition('.')[2]} {diagnostic.wrong}"
            return refused
    return {}


def _owner(made: Draft, diagnostic: Diagnostic) -> Name | None:
    """Return the table of which a diagnostic speaks."""
    if diagnostic.file in made.owners:
        return made.owners[diagnostic.file]
    package = diagnostic.file.rpartition("/")[0].replace("/", ".")
    message = diagnostic.where.removeprefix(f"{package}.").partition(".")[0]
    return made.owners.get(f"{package}.{message}")
