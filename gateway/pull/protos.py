"""A pull: the catalog is read, each table becomes a resource and a service, and the protos are tried.

The protos are compiled and read as `rowgate serve` does, so that what is written is served. A table that the
rules of schemas refuse all the same is left out, with what they say.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gateway.introspect.tables.catalog import Connection
from gateway.introspect.tables.table_records import Name
from gateway.proto_files.services import names_taken
from gateway.pull.catalog import Found, read_database
from gateway.pull.choices import Choices
from gateway.pull.draft import Draft, draft
from gateway.pull.earlier.committed import Committed, read_committed
from gateway.pull.earlier.renames import follow_renames, likely_renames
from gateway.pull.merge.breaking import broken
from gateway.pull.merge.drafts import merged
from gateway.pull.names import package_part
from gateway.pull.report import Report
from gateway.schema.diagnostics import Diagnostic, SchemaError
from gateway.schema.protos.sources import compile_texts
from gateway.schema.read import read_schema


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull found.

    Args:
        choices: the choices, the package among them.
        files: the protos' texts, by path; none where no table can be served.
        report: what became of each relation.
        broken: what clients would lose, a sentence each.
        renames: what of that may have been renamed, as `--rename` takes it.
        unmet: the flags that name nothing of the database's.

    """

    choices: Choices
    files: Mapping[str, str]
    report: Report
    broken: Sequence[str]
    renames: Sequence[str]
    unmet: Sequence[str] = ()


async def pull_protos(
    connection: Connection, folder: Path, choices: Choices, renames: Sequence[str] = ()
) -> Pulled:
    """Return the protos that serve a database, beside those that the folder holds; nothing is written.

    Args:
        connection: outside a transaction; nothing in the database is changed.
        folder: where the protos of earlier pulls are, if there were any.
        choices: what is asked for.
        renames: what has another name since the last pull, as `public.orders.total=amount`.

    Raises SchemaError where the folder's protos are wrong.

    """
    committed = read_committed(folder)
    found = await read_database(connection, choices.schemas)
    package = choices.package or package_part(found.database, "database")
    chosen = choices.model_copy(update={"package": package})
    stands, chosen = follow_renames(renames, committed, chosen, found.catalog)
    made, files, compiled = _tried(found, stands, chosen)
    kept = chosen.model_copy(update={"known": made.known})
    lost = broken(committed.descriptors, compiled, committed.files)
    unmet = list(chosen.unmet([relation.name for relation in found.relations]))
    return Pulled(kept, files, made.report, lost, list(likely_renames(stands, found.catalog)), unmet)


def _tried(
    found: Found, committed: Committed, choices: Choices
) -> tuple[Draft, dict[str, str], FileDescriptorSet]:
    """Return the protos of all tables that a schema can have: as a draft, as texts of files, and compiled."""
    refused: dict[Name, str] = {}
    while True:
        made = draft(found, committed, choices, refused)
        files = merged(made, committed)
        if not files:
            return made, files, FileDescriptorSet()
        try:
            compiled = compile_texts({**committed.others, **files})
            if made.report.served:
                read_schema(compiled)
        except SchemaError as error:
            refused |= _refused(made, error)
        else:
            return made, files, compiled


def _refused(made: Draft, error: SchemaError) -> dict[Name, str]:
    """Return the tables that can't be served, and why; raises the error where it isn't theirs."""
    refused = {}
    for diagnostic in error.diagnostics:
        owner = _owner(made, diagnostic)
        if owner is None:
            raise error
        refused[owner] = f"{diagnostic.where.rpartition('.')[2]} {diagnostic.wrong}"
    return refused


def _owner(made: Draft, diagnostic: Diagnostic) -> Name | None:
    """Return the table of which a diagnostic speaks: by its message, or by its service."""
    package = diagnostic.file.rpartition("/")[0].replace("/", ".")
    first = diagnostic.where.removeprefix(f"{package}.").partition(".")[0]
    named = (table for name, table in made.owners.items() if _is_of(name, f"{package}.{first}"))
    return next(named, None)


def _is_of(message: str, name: str) -> bool:
    """Return whether a table's message, or its service, has elements of that name."""
    package, _, own = message.rpartition(".")
    return name in {f"{package}.{one}" for one in names_taken(own)}
