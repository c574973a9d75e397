"""Tables that their owners alter: each pull follows by just that, and says what breaks clients."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorSet

from gateway.pull.choices import FILE
from gateway.schema.protos.sources import compile_protos
from gateway.schema.read import read_schema
from gateway.schema.tables.naming import quote
from tests.harness.databases import fetch
from tests.pull.pulling import breaking, command, run

_NEW = "soak_added"
# Columns that may be altered without another word: nothing but their own default depends on them.
_FREE = """
    SELECT n.nspname || '.' || c.relname AS relation, n.nspname AS schema, c.relname AS table,
        a.attname AS column, a.atttypid IN ('int2'::regtype, 'int4'::regtype) AS is_int
    FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND NOT c.relispartition AND n.nspname !~ '^(pg_|information_schema$)'
        AND a.attnum > 0 AND NOT a.attisdropped AND a.attinhcount = 0
        AND a.attgenerated = '' AND a.attidentity = ''
        AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhparent = c.oid)
        AND NOT EXISTS (
            SELECT FROM pg_depend d
            LEFT JOIN pg_attrdef f ON d.classid = 'pg_attrdef'::regclass AND f.oid = d.objid
            WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.refobjsubid = a.attnum
                AND (f.adnum IS NULL OR f.adnum <> a.attnum)
        )
    ORDER BY a.attrelid, a.attnum
"""


@dataclass(frozen=True, slots=True)
class Step:
    """What is altered at once, and what follows it.

    Args:
        name: what is done.
        statements: what does it.
        fields: the full names of the fields that follow, and of no others.
        breaks: whether clients lose what they were.
        rename: how `--rename` tells it, where it is one.

    """

    name: str
    statements: tuple[str, ...]
    fields: tuple[str, ...]
    breaks: bool = False
    rename: str = ""

    def __str__(self) -> str:
        return f"{self.name} {' and '.join(field.partition('.v1.')[2] for field in self.fields)}"


@dataclass(frozen=True, slots=True)
class _Column:
    """A column that is served."""

    relation: str
    table: str
    name: str
    message: str
    field: str

    @property
    def path(self) -> str:
        """The full name of its field."""
        return f"{self.message}.{self.field}"

    def added(self) -> Step:
        """Return what adds another column to its table."""
        sql = f"ALTER TABLE {self.table} ADD {_NEW} integer"
        return Step("added", (sql,), (f"{self.message}.{_NEW}",))

    def renamed(self) -> Step:
        """Return what renames it."""
        sql = f"ALTER TABLE {self.table} RENAME {quote(self.name)} TO {_NEW}_name"
        return Step("renamed", (sql,), (self.path,), rename=f"{self.relation}.{self.name}={_NEW}_name")

    def retyped(self, dropped: "_Column") -> Step:
        """Return what gives it another type, and drops another column."""
        types = f"ALTER TABLE {self.table} ALTER {quote(self.name)} TYPE bigint"
        drops = f"ALTER TABLE {dropped.table} DROP {quote(dropped.name)}"
        return Step("retyped and dropped", (types, drops), (self.path, dropped.path), breaks=True)


async def alter(dsn: str, folder: Path) -> str:
    """Add, rename, retype and drop columns, and pull each time; return what was done.

    Args:
        dsn: the database.
        folder: its protos.

    Raises AssertionError where a pull does less, or more.

    """
    free = await _free(dsn, folder)
    whole = next((column for column, is_int in free if is_int), None)
    others = [column for column, _ in free if column != whole][:2]
    assert whole is not None, "it has no integer that nothing depends on"
    assert len(others) == 2, "it has not two other columns that nothing depends on"
    steps = (whole.added(), others[0].renamed(), whole.retyped(others[1]))
    for step in steps:
        await follow(step, dsn, folder)
    stands = texts(folder)
    status, told, errors = await command("pull", "--dsn", dsn, "--out", str(folder))
    assert (status, texts(folder)) == (0, stands), f"the last pull changed more: {told}{errors}"
    return ", ".join(map(str, steps))


async def _free(dsn: str, folder: Path) -> list[tuple[_Column, bool]]:
    """Return the columns that may be altered, and which are integers; those of the largest tables first."""
    resources = read_schema(compile_protos(folder)).resources.values()
    by_name = {(resource.schema, resource.table): resource for resource in resources}
    rows = [row for row in await fetch(dsn, _FREE) if (row["schema"], row["table"]) in by_name]
    sizes = Counter(row["relation"] for row in rows)
    found = []
    for row in sorted(rows, key=lambda row: -sizes[row["relation"]]):
        resource = by_name[row["schema"], row["table"]]
        if field := resource.by_column.get(row["column"]):
            table = f"{quote(row['schema'])}.{quote(row['table'])}"
            name = str(resource.message.full_name)
            found.append((_Column(row["relation"], table, row["column"], name, field.name), row["is_int"]))
    return found


async def follow(step: Step, dsn: str, folder: Path) -> None:
    """Alter the database, and pull; raises AssertionError unless just that follows."""
    stands, compiled = texts(folder), compile_protos(folder)
    await run(dsn, *step.statements)
    await _pull(step, ("pull", "--dsn", dsn, "--out", str(folder)), folder)
    pulled = compile_protos(folder)
    _require_just(step.fields, stands, texts(folder))
    changed = _different(_elements(compiled), _elements(pulled))
    assert changed == {*step.fields}, f"{step}: {', '.join(sorted(changed))} changed"
    said = _broken(compiled, pulled, folder)
    unsaid = [field for field in step.fields if f'"{field.rpartition(".")[2]}"' not in said]
    assert (unsaid if step.breaks else said) in ([], ""), f"{step}: buf says {said or 'nothing'}"


async def _pull(step: Step, flags: Sequence[str], folder: Path) -> None:
    """Pull with the flag that a step takes, after one without it, which writes nothing."""
    flag: tuple[str, ...] = ()
    if step.breaks or step.rename:
        flag = ("--rename", step.rename) if step.rename else ("--allow-breaking",)
        stands = texts(folder)
        status, told, _ = await command(*flags)
        assert (status, texts(folder)) == (1, stands), f"{step}: pulled without a flag"
        names = [f"--rename {step.rename}"] if step.rename else [f"field {field}" for field in step.fields]
        assert all(name in told for name in names), f"{step}: {told}"
    status, told, errors = await command(*flags, *flag)
    assert status == 0, f"{step}: {told}{errors}"


def _broken(before: FileDescriptorSet, after: FileDescriptorSet, folder: Path) -> str:
    """Return what buf says of a change."""
    images = (folder.with_name("before.binpb"), folder.with_name("after.binpb"))
    for image, descriptors in zip(images, (before, after), strict=True):
        image.write_bytes(descriptors.SerializeToString())
    return breaking(*images)


def texts(folder: Path) -> Mapping[str, str]:
    """Return what a folder's files hold, by path."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in paths}


def _different(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[str]:
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}


def _elements(descriptors: FileDescriptorSet) -> Mapping[str, bytes]:
    """Return all that files declare but `reserved`, by full name."""
    found: dict[str, bytes] = {}
    for file in descriptors.file:
        found |= {f"{file.package}.{one.name}": one.SerializeToString() for one in file.enum_type}
        found |= {f"{file.package}.{one.name}": one.SerializeToString() for one in file.service}
        for message in file.message_type:
            found |= dict(_fields(f"{file.package}.{message.name}", message))
    return found


def _fields(name: str, message: DescriptorProto) -> Iterator[tuple[str, bytes]]:
    rest = DescriptorProto()
    rest.CopyFrom(message)
    for part in ("field", "oneof_decl", "reserved_range", "reserved_name"):
        rest.ClearField(part)
    yield name, rest.SerializeToString(deterministic=True)
    for field in message.field:
        one = FieldDescriptorProto()
        one.CopyFrom(field)
        one.ClearField("oneof_index")  # of what makes it `optional`: they are counted
        yield f"{name}.{one.name}", one.SerializeToString(deterministic=True)


def _require_just(fields: Iterable[str], before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Raise AssertionError where files differ in more than fields, what is reserved, and imports."""
    for path in _different(before, after) - {FILE}:
        old, new = (_without(fields, one.get(path, "")).splitlines(keepends=True) for one in (before, after))
        assert old == new, f"{path}: {''.join(unified_diff(old, new))}"


def _without(fields: Iterable[str], text: str) -> str:
    """Return the text of a file without some fields, and without what follows a field."""
    text = re.sub(r"\nimport .*", "", text)
    for field in fields:
        message, name = field.split(".")[-2:]
        head, begin, rest = text.partition(f"\nmessage {message} {{\n")
        body, end, tail = rest.partition("\n}\n")
        body = re.sub(rf"(\n  //.*)*\n  [\w. ]+ {name} = \d+(;| \[[^;]*\];)", "", f"\n{body}")
        text = "".join((head, begin, re.sub(r"\n+  reserved .*;", "", body), end, tail))
    return text
