"""Hypothesis strategies: a schema, and what is done with its table."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from random import Random
from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto
from hypothesis import strategies as st
from hypothesis.control import BuildContext
from hypothesis.errors import StopTest, UnsatisfiedAssumption
from hypothesis.internal.conjecture.data import ConjectureData
from hypothesis.internal.conjecture.providers import HypothesisProvider

from tests.generated_schemas.altering import ALTERATIONS
from tests.generated_schemas.kinds import KINDS
from tests.generated_schemas.schemas import UNSET, Column, Schema
from tests.generated_schemas.steps import Step, steps_of

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


# Half of all columns are of these, so that each is met in every tenth schema or so.
_PLAIN = _words("""
    string string string bytes bool int32_integer int64_bigint double open open timestamp decimal part part
    string_array open_array StringValue Int32Value closed
""")
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
    known = kinds(syntax, key=key)
    plain = [kind for kind in _PLAIN if kind in known]
    kind = draw(st.sampled_from(plain if draw(st.booleans()) else known))
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
    if presence and syntax != "proto3" and kind.startswith(_WITH_PROTO_DEFAULT) and draw(st.integers(0, 3)):
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
    if "version" in roles and draw(st.integers(0, 3)):
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


_WAYS: Sequence[Mapping[str, Any]] = ({}, {"desc": True}, {"where": True}, {"method": "hash"})


@st.composite
def _indexes(draw: st.DrawFn, columns: Sequence[Column]) -> list[dict[str, Any]]:
    found = []
    for column in columns:
        if column.of.column == "box" or draw(st.integers(0, 5)):
            continue
        way = draw(st.sampled_from(_WAYS if column.of.hashable else _WAYS[:-1]))
        index: dict[str, Any] = {"columns": [column.name + (" desc" if "desc" in way else "")]}
        if "method" in way:
            index["method"] = "hash"
        if "where" in way:
            spelled = column.stored.replace('"', '""')
            index["where"] = f'"{spelled}" IS NOT NULL'
        found.append(index)
    return found


class _Provider(HypothesisProvider):
    """Draws by the random numbers alone: hypothesis mixes in constants of whatever modules are loaded."""

    def _maybe_draw_constant(self, *_args: Any, **_options: Any) -> None:
        return None


def case_of(number: int) -> Case:
    """Return the case of a number, always the same.

    Drawn past hypothesis's engine, of whose examples five in six vary the one before: a hundred of them are
    a score of schemas.
    """
    for attempt in count():
        data = ConjectureData(random=Random(f"{number} {attempt}"), provider=_Provider)  # noqa: S311 - no secret
        with suppress(StopTest, UnsatisfiedAssumption), BuildContext(data, wrapped_test=case_of):
            return data.draw(cases())
    raise AssertionError


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Return a schema, and what is done with its table."""
    schema = draw(schemas())
    return Case(schema, draw(steps_of(schema)))


__all__ = ["UNSET", "Case", "Step", "case_of"]
