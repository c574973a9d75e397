"""The choices of a pull: flags, kept in a file beside the protos so that the next pull makes the same."""

import json
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from gateway.config.errors import ConfigDiagnostic, ConfigError
from gateway.introspect.tables.table_records import Name

FILE = "rowgate-pull.toml"
_FLAGS = {"keys": "--key", "schemas": "--schema"}
"""The flags of choices that are called otherwise."""
_PACKAGE = r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$"


class Known(BaseModel):
    """What pulls offered of a table: what of it the protos lack was left out by hand."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    unreadable: bool = False
    """Whether the field that names unreadable values was."""

    def __str__(self) -> str:
        others = ", unreadable = true" if self.unreadable else ""
        return f"{{columns = {_listed(self.columns)}, methods = {_listed(self.methods)}{others}}}"


class Choices(BaseModel):
    """What is pulled, and what is written of it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    package: Annotated[str, Field(pattern=_PACKAGE)] | None = None
    """what the protos' packages begin with, as `acme.shop`; the database's name unless given"""
    schemas: tuple[str, ...] = ()
    """the PostgreSQL schemas; all of them unless given"""
    include: tuple[str, ...] = ()
    """patterns of tables, as `orders` or `sales.*`; all of them unless given"""
    exclude: tuple[str, ...] = ()
    """patterns of tables that are left out"""
    keys: tuple[Annotated[str, Field(pattern=r"^[^=]+=[^=]+$")], ...] = ()
    """views' keys, which PostgreSQL doesn't know, as `totals=customer_id,year`"""
    methods: Literal["read", "all"] = "all"
    """whether services only read"""

    known: Mapping[str, Known] = {}
    """what earlier pulls offered of each table: what of it the protos lack was taken out, and stays out"""

    def asks_for(self, table: Name) -> bool:
        """Return whether a table is to be served, as far as its name goes."""
        return (not self.include or _matches(table, self.include)) and not _matches(table, self.exclude)

    def key_of(self, table: Name) -> tuple[str, ...]:
        """Return the columns of the key that is named for a view; none where none is."""
        named = (key.partition("=") for key in self.keys)
        return next((tuple(key.split(",")) for name, _, key in named if _matches(table, (name,))), ())

    def unmet(self, tables: Collection[Name]) -> Iterator[str]:
        """Yield the flags that name nothing of the database's: probably they are misspelt."""
        schemas = {table.schema for table in tables}
        yield from (f"--schema {name}" for name in self.schemas if name not in schemas)
        for flag, choices in (("--include", self.include), ("--key", self.keys)):
            for one in choices:
                name = one.partition("=")[0]
                if not any(_matches(table, (name,)) for table in tables):
                    yield f"{flag} {one}"

    def text(self) -> str:
        """Return the file that holds them."""
        fields = type(self).model_fields
        lines = [
            f"# {fields[name].description}\n{name} = {_listed(value)}\n"
            for name, value in self.model_dump(exclude_none=True, exclude={"known"}).items()
        ]
        known = "".join(f"{_listed(table)} = {one}\n" for table, one in sorted(self.known.items()))
        lines.append(f"# {fields['known'].description}\n[known]\n{known}")
        return "# What `rowgate pull` asks for here; its flags write this file.\n\n" + "\n".join(lines)


def _listed(value: str | Sequence[str]) -> str:
    """Return a text or a list of texts, which JSON and TOML spell alike."""
    return json.dumps(value, ensure_ascii=False)


def _matches(table: Name, patterns: tuple[str, ...]) -> bool:
    """Return whether a pattern is the table's name, alone or behind its schema's."""
    return any(fnmatchcase(name, pattern) for pattern in patterns for name in (table.name, str(table)))


def read_choices(folder: Path, flags: Mapping[str, Any]) -> Choices:
    """Return the choices of the folder's file, and of flags, which win; None and () are unset ones.

    Raises ConfigError with every wrong one.
    """
    path = folder / FILE
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError([ConfigDiagnostic("pull", str(path), "can't be read", str(error))]) from error
    given = {name: value for name, value in flags.items() if value}
    try:
        return Choices.model_validate({**written, **given})
    except ValidationError as error:
        raise ConfigError(
            _diagnostic(detail, given, path) for detail in error.errors(include_url=False)
        ) from error


def _diagnostic(detail: ErrorDetails, given: Collection[str], path: Path) -> ConfigDiagnostic:
    name = str(detail["loc"][0])
    source = f"flag {_FLAGS.get(name, f'--{name}')}" if name in given else str(path)
    if detail["type"] == "string_pattern_mismatch":
        right = f"{Choices.model_fields[name].description}"
        return ConfigDiagnostic(name, source, f"{detail['input']!r} can't be read", right)
    return ConfigDiagnostic(name, source, detail["msg"].replace("Input should", "should"))
