"""Hypothesis strategies: a schema, and what is done with its table."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto
from hypothesis import strategies as st

from tests.generated_schemas.altering import ALTERATIONS
from tests.generated_schemas.kinds import KINDS
from tests.generated_schemas.schemas import UNSET, Column, Schema

Step = tuple[Any, ...]

_words = str.split
# Names of types, words of SQL, tables of the catalogs, aliases in our own statements.
MESSAGES = _words("""
    Thing Order User Select Table Group PgClass PgType Columns RowgateTarget Point Date Inet Text Int4
    Jsonb Uuid Interval Bytea Numeric Cidr Vector T S Excluded MixedCASEName Alembic_Version Message
    Field Value Class None True Import Exception Any Service Descriptor Rpc Rowgate Key
""")
TABLES = (
    "",
    "",
    "order",
    "Mixed",
    "with space",
    'a"b',
    "50%",
    "a.b",
    "é",
    "pg_class",
    "x" * 63,
    ":x",
    "$1",
    "Ünï" * 12,
)
PLACES = ("", "", "", "other", "Other Place", "order")
FIELDS = _words("""
    user order select from limit table null true default primary current_user class None self import
    lambda async name value values row rows key keys n i v0 v1 d0 d1 s t r k k0 row_id ordinality id oid
    action sent fresh live found done settled rank old new excluded target source data filter page_size
    page_token order_by read_mask update_mask requests count watermark etag version force show_deleted
    request_id validate_only allow_missing sequence start resume_token missing outcomes Title MIXED
    _leading a1 date point inet text int4 timestamp json jsonb rowgate rowgate_target message reserved
    user_id userId rank_ item_2 item2
""")
# A column of such a name can't be: the field's is another one.
_SYSTEM = _words("ctid xmin xmax cmin cmax tableoid")
COLUMNS = (
    "",
    "",
    "",
    "",
    "user name",
    'q"uote',
    "50%",
    "Ärger",
    "$1",
    ":x",
    "%(x)s",
    "a.b",
    "public",
    "ctid_",
    "rowgate",
    "y" * 63,
)


_ALL_FIELDS = [*FIELDS, *_SYSTEM, *(f"{'long_' * 12}{i}" for i in range(3)), *(f"f{i}" for i in range(100))]
_WITH_PROTO_DEFAULT = ("int32_", "int64_", "uint32_", "uint64_", "string", "bool")
_ROLES = {
    "version": "the_version",
    "created_at": "created_at",
    "updated_at": "updated_at",
    "soft_delete": "deleted_at",
}


@dataclass(frozen=True)
class Case:
    """A schema, and what is done with its table, in order."""

    schema: Schema
    steps: tuple[Step, ...]


def kinds(syntax: str, *, key: bool) -> list[str]:
    """Return the kinds that a syntax knows."""
    known = (name for name, kind in KINDS.items() if syntax in kind.syntaxes)
    return [name for name in known if not key or KINDS[name].key]


@st.composite
def _columns(draw: st.DrawFn, syntax: str, names: Sequence[str], *, key: bool) -> tuple[Column, ...]:
    return tuple(draw(_column(syntax, name, key=key)) for name in names)


@st.composite
def _column(draw: st.DrawFn, syntax: str, name: str, *, key: bool) -> Column:
    kind = draw(st.sampled_from(kinds(syntax, key=key)))
    of, stored = KINDS[kind], draw(st.sampled_from(COLUMNS))
    closed = of.message == "Closed" and not of.repeated
    scalar = not of.repeated and (not of.message or of.type == FieldDescriptorProto.TYPE_ENUM)
    presence = scalar and (syntax == "proto2" or closed or (not key and draw(st.booleans())))
    column = Column(name, kind, presence, stored, not_null=key and presence)
    if key:
        numbered = of.column in ("smallint", "integer", "bigint") and not (of.message or presence)
        return replace(column, identity=numbered and draw(st.booleans()))
    can_default = column.has_presence and of.sql is not None and of.column != "open_label"
    if can_default and draw(st.integers(0, 3)) == 0:
        column = replace(column, default=draw(of.good), not_null=draw(st.booleans()))
        return replace(column, output_only=draw(st.integers(0, 2)) == 0)
    if presence and syntax != "proto3" and kind.startswith(_WITH_PROTO_DEFAULT) and draw(st.booleans()):
        return replace(column, proto_default=draw(of.good))
    return column


def _chosen(columns: Sequence[Column]) -> tuple[Column, ...]:
    """Put the first columns that can be into a oneof."""
    fit = [
        column.name
        for column in columns
        if not (column.of.repeated or column.has_default or column.not_null or column.proto_default != UNSET)
    ]
    return tuple(
        replace(column, oneof=True, presence=True) if column.name in fit[:3] else column for column in columns
    )


def _distinct(columns: Sequence[Column]) -> tuple[Column, ...]:
    """Leave out the names of columns that are taken."""
    taken: set[str] = {column.name for column in columns}
    found = []
    for column in columns:
        if column.column in taken or column.stored in _SYSTEM:
            column = replace(column, column=_own_name(column))  # noqa: PLW2901 - as it is put in
        taken.add(column.stored)
        found.append(column)
    return tuple(found)


def _own_name(column: Column) -> str:
    """Return what the column says of its name where it has no other than its field's."""
    return f"the {column.name}" if column.name in _SYSTEM else ""


def _distinct_in_json(names: Sequence[str]) -> list[str]:
    """Return the names that differ in proto JSON too."""
    return list({name.replace("_", "").lower(): name for name in names}.values())


@st.composite
def _computed(draw: st.DrawFn, columns: Sequence[Column]) -> list[Column]:
    """Return columns that PostgreSQL computes of others."""
    bases = draw(st.lists(st.sampled_from(columns), max_size=2, unique_by=lambda column: column.name))
    return [
        Column(f"computed{i}", base.kind, presence=base.presence, computed=base.name)
        for i, base in enumerate(bases)
        if draw(st.integers(0, 2)) == 0
    ]


@st.composite
def schemas(draw: st.DrawFn) -> Schema:
    """Return schemas that are right."""
    syntax = draw(st.sampled_from(["proto3", "proto3", "proto2", "editions"]))
    width = draw(
        st.sampled_from([0, 1, 2, 3, 4, 6, 8]) | st.integers(90, 97)
        if draw(st.integers(0, 30)) == 0
        else st.integers(0, 7)
    )
    depth = draw(st.sampled_from([1, 1, 1, 2, 2, 3, 5]))
    names = _distinct_in_json(
        draw(
            st.lists(
                st.sampled_from(_ALL_FIELDS), min_size=depth + width, max_size=depth + width, unique=True
            )
        )
    )
    key = draw(_columns(syntax, names[:depth], key=True))
    rest = draw(_columns(syntax, names[depth:], key=False))
    if draw(st.integers(0, 3)) == 0:
        rest = _chosen(rest)
    columns = _distinct([*key, *rest, *draw(_computed([*key, *rest]))])
    roles = {role: name for role, name in _ROLES.items() if draw(st.booleans())}
    if "version" in roles and draw(st.booleans()):
        roles["etag"] = "the_etag"
    plain = [column for column in columns[depth:] if not column.of.repeated and column.of.compared]
    unique = [(column.name,) for column in plain if column.of.key and draw(st.integers(0, 6)) == 0]
    checks = [
        column.name
        for column in plain
        if column.kind.startswith(("int32", "int64"))
        and not column.has_default
        and not column.computed
        and draw(st.integers(0, 4)) == 0
    ]
    schema = Schema(
        syntax=syntax,
        message=draw(st.sampled_from([*MESSAGES, "A" * 59])),
        columns=tuple(draw(st.permutations(columns))),
        key=tuple(names[:depth]),
        table=draw(st.sampled_from(TABLES)),
        place=draw(st.sampled_from(PLACES)),
        roles=roles,
        unique=tuple(unique),
        indexes=tuple(draw(_indexes(plain))),
        checks=tuple(checks),
    )
    fitting = [name for name, alteration in ALTERATIONS.items() if alteration.fits(schema)]
    return replace(schema, altered=draw(st.just("") | st.sampled_from(fitting)))


@st.composite
def _indexes(draw: st.DrawFn, columns: Sequence[Column]) -> list[dict[str, Any]]:
    found = []
    for column in columns:
        if column.of.column == "box" or draw(st.integers(0, 5)):
            continue
        way: dict[str, Any] = draw(st.sampled_from([{}, {"desc": True}, {"method": "hash"}, {"where": True}]))
        index: dict[str, Any] = {"columns": [column.name + (" desc" if "desc" in way else "")]}
        if "method" in way:
            index["method"] = "hash"
        if "where" in way:
            spelled = column.stored.replace('"', '""')
            index["where"] = f'"{spelled}" IS NOT NULL'
        found.append(index)
    return found


@st.composite
def rows(
    draw: st.DrawFn, schema: Schema, keys: Sequence[dict[str, Any]], *, whole: bool = True
) -> dict[str, Any]:
    """Return rows: their values by field, those of the key among them."""
    values = dict(draw(st.sampled_from(keys)))
    for column in schema.written:
        if column.oneof and any(schema.by_name[name].oneof for name in values):
            continue
        needed = (not column.has_presence and not column.of.zero) or (
            column.not_null and not column.has_default
        )
        if needed or (whole and len(schema.columns) > 20) or draw(st.integers(0, 2)):
            values[column.name] = draw(column.of.good)
    return values


@st.composite
def filters(draw: st.DrawFn, schema: Schema, depth: int = 2) -> Step:
    """Return filters, as trees."""
    shape = draw(st.sampled_from(["is", "is", "is", "and", "or", "not"])) if depth else "is"
    if shape == "not":
        return ("not", draw(filters(schema, depth - 1)))
    if shape != "is":
        return (shape, draw(filters(schema, depth - 1)), draw(filters(schema, depth - 1)))
    column = draw(st.sampled_from(schema.columns))
    element = column.of.element
    if element is not None and element.literal is not None and element.sql is not None:
        return ("has", column.name, draw(element.good))
    if column.kind in ("string", "string_varchar", "int32_integer", "bytes") and draw(st.integers(0, 3)) == 0:
        return ("there", column.name)
    if column.of.literal is None or column.of.sql is None or draw(st.integers(0, 5)) == 0:
        return ("null", column.name, draw(st.booleans()))
    operators = ["=", "!=", "<", "<=", ">", ">="] if column.of.ordered and not column.is_enum else ["=", "!="]
    return ("is", column.name, draw(st.sampled_from(operators)), draw(column.of.good))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Return a schema, and what is done with its table."""
    schema = draw(schemas())
    pools = {column.name: draw(st.lists(column.good, min_size=2, max_size=3)) for column in schema.keys}
    key = st.fixed_dictionaries({name: st.sampled_from(pool) for name, pool in pools.items()})
    keys = draw(st.lists(key, min_size=3, max_size=4))
    some = st.sampled_from(keys)
    row = rows(schema, keys)
    names = [column.name for column in schema.columns]
    masks = st.none() | st.just(["*"]) | st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True)
    expected = st.sampled_from([None, None, None, 1, 2]) if "etag" in schema.roles else st.none()
    create = st.tuples(st.just("create"), row)
    update = st.tuples(st.just("update"), row, masks, st.booleans(), expected)
    missing = st.just(False) if "allow_missing" in schema.key else st.booleans()
    unless_key = st.none() if "etag" in schema.key else expected
    delete = st.tuples(st.just("delete"), some, missing, unless_key)
    options = st.fixed_dictionaries(
        {
            "on_conflict": st.sampled_from([0, 1, 2, 3]),
            "on_duplicate": st.sampled_from([1, 2]),
            "update_mask": masks.map(lambda mask: mask or []),
            "partial_failure": st.booleans(),
        }
    )
    orderable = [column.name for column in schema.columns if column.of.ordered]
    order = (
        st.just("")
        if not orderable
        else st.lists(
            st.tuples(st.sampled_from(orderable), st.sampled_from(["", " desc"])).map("".join),
            max_size=2,
            unique_by=lambda term: term.split()[0],
        ).map(", ".join)
    )
    bad = [
        (column.name, value)
        for column in schema.columns
        for value in column.of.bad
        if column.is_written or column.name in schema.key
        if not (column.is_enum and schema.syntax == "proto2")
    ]
    upsert = st.tuples(st.just("upsert"), st.lists(row, max_size=4), options)
    steps = [
        create,
        create,
        update,
        update,
        delete,
        upsert,
        upsert,
        st.tuples(st.just("ingest"), st.lists(row, max_size=3), options),
        st.tuples(st.just("get"), some, masks),
        st.tuples(st.just("dry_run"), create | update | delete),
        st.tuples(st.just("unknown"), st.sampled_from(["create", "update", "upsert"]), row),
        st.tuples(st.just("batch_get"), st.lists(some, max_size=3)),
        st.tuples(st.just("list"), st.none() | filters(schema), order, st.integers(1, 3), st.booleans()),
        st.tuples(st.just("list"), filters(schema), order, st.just(100), st.booleans()),
        st.tuples(st.just("batch"), st.just("create"), st.lists(create, min_size=1, max_size=3)),
        st.tuples(st.just("batch"), st.just("update"), st.lists(update, min_size=1, max_size=3)),
        st.tuples(st.just("batch"), st.just("delete"), st.lists(delete, min_size=1, max_size=3)),
    ]
    if "soft_delete" in schema.roles:
        steps.append(st.tuples(st.just("undelete"), some, unless_key))
    if bad:
        refused = st.tuples(
            st.just("refused"), st.sampled_from(["create", "update", "upsert"]), row, st.sampled_from(bad)
        )
        steps += [refused, refused]
    return Case(schema, (draw(upsert), *draw(st.lists(st.one_of(steps), min_size=4, max_size=12))))


__all__ = ["UNSET", "Case", "Step", "cases"]
