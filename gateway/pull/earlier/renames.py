"""Renames in the database, of which no catalog tells: fields keep name and number, and get other columns."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.config.errors import ConfigDiagnostic, ConfigError
from gateway.introspect.tables.ddl import DEFAULT_SCHEMA
from gateway.introspect.tables.table_records import Catalog, Name
from gateway.pull.choices import Choices, Known
from gateway.pull.earlier.committed import Committed
from gateway.pull.earlier.kept import is_of


@dataclass(frozen=True, slots=True)
class _Place:
    """A table, or a column of one."""

    table: Name
    column: str = ""

    @property
    def spellings(self) -> frozenset[str]:
        """How it may be named."""
        names = [str(self.table), *([self.table.name] if self.table.schema == DEFAULT_SCHEMA else [])]
        return frozenset(f"{name}.{self.column}" if self.column else name for name in names)


def follow_renames(
    texts: Sequence[str], committed: Committed, choices: Choices, catalog: Catalog
) -> tuple[Committed, Choices]:
    """Return what stands, and what was offered, by the names that the database has now.

    Args:
        texts: what was renamed, as `public.orders.total=amount` or `orders=purchases`.
        committed: the protos as they stand.
        choices: what is asked for, and what was offered.
        catalog: the database.

    Raises ConfigError for a text that doesn't name what stands, and what is in the database instead.

    """
    split = [text.partition("=") for text in texts]
    found = [(_place(old, committed), new) for old, _, new in split]
    tables = {old.table: Name(old.table.schema, new) for old, new in found if not old.column}
    columns: dict[Name, dict[str, str]] = {}
    for old, new in found:
        if old.column:
            columns.setdefault(old.table, {})[old.column] = new
    for (old, new), text in zip(found, texts, strict=True):
        _require_renamed(text, old, new, catalog, tables.get(old.table, old.table))
    stands = {
        tables.get(name, name): one.renamed(columns.get(name, {})) for name, one in committed.tables.items()
    }
    known = dict(_known(choices, {str(old): str(new) for old, new in tables.items()}, columns))
    return replace(committed, tables=stands), choices.model_copy(update={"known": known})


def _place(text: str, committed: Committed) -> _Place:
    places = [
        *(_Place(table) for table in committed.tables),
        *(_Place(table, column) for table, one in committed.tables.items() for column in one.fields),
    ]
    named = [place for place in places if text in place.spellings]
    if len(named) != 1:
        wrong = "names several" if named else "names no table or column of the protos"
        raise _refused(text, wrong, "write it as `public.orders.total=amount`")
    return named[0]


def _require_renamed(text: str, old: _Place, new: str, catalog: Catalog, table: Name) -> None:
    """Raise ConfigError unless the database has the new name, and the old one no more."""
    stands = catalog.tables.get(table)
    here = catalog.tables if not old.column else stands.columns if stands else {}
    before, after = (old.column, new) if old.column else (old.table, table)
    if after not in here:
        raise _refused(text, f"the database has no {after}", "name what it is called now")
    if before in here:
        raise _refused(text, f"the database has both {before} and {after}", "only what is gone was renamed")


def _refused(text: str, wrong: str, right: str) -> ConfigError:
    return ConfigError([ConfigDiagnostic("rename", f"flag --rename {text}", wrong, right)])


def _known(
    choices: Choices, tables: Mapping[str, str], columns: Mapping[Name, Mapping[str, str]]
) -> Iterator[tuple[str, Known]]:
    renamed = {str(table): names for table, names in columns.items()}
    for table, one in choices.known.items():
        names = renamed.get(table, {})
        new = one.model_copy(update={"columns": tuple(names.get(name, name) for name in one.columns)})
        yield tables.get(table, table), new


def likely_renames(committed: Committed, catalog: Catalog) -> Iterator[str]:
    """Yield what may have been renamed, as `--rename` takes it: columns that are gone for new ones alike.

    Args:
        committed: the protos as they stand.
        catalog: the database.

    """
    for table, one in committed.tables.items():
        stands = catalog.tables[table].columns.values() if table in catalog.tables else ()
        new = [column for column in stands if column.name not in one.fields]
        gone = {
            name: old for name, old in one.fields.items() if name not in {column.name for column in stands}
        }
        for name, old in gone.items():
            alike = [column.name for column in new if is_of(old.sql, column)]
            if len(alike) == 1:
                yield f"{table}.{name}={alike[0]}"
