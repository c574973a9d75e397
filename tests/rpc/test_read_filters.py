"""A filter selects what the same predicate, written as SQL by hand, selects."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.rpc.readside import Stored, insert

LIST = "types.v1.ScalarService/ListScalars"

TEXTS = ["", "a", "ab", "Ab", "a%b", "a_b", "50%", "b\\a", "naïve", 'q"uote', "it's", "x*y", "NULL", "null"]
INTS = [-(2**31), -7, -1, 0, 1, 2, 42, 2**31 - 1]
BIGS = [-(2**63), -1, 0, 5, 2**63 - 1]
FLOATS = ["NaN", "-Infinity", "-1.5", "0", "0.1", "2.5", "1e30", "Infinity"]
COLORS = ["COLOR_UNSPECIFIED", "COLOR_RED", "COLOR_DEEP"]
TIMES = [
    "2012-04-21T11:30:00-04:00",
    "2000-01-01T00:00:00Z",
    "2024-02-29T23:59:59.123456Z",
    "1999-12-31T23:00:00Z",
]
UUIDS = ["123e4567-e89b-12d3-a456-426614174000", "00000000-0000-0000-0000-000000000000"]


@dataclass(frozen=True)
class Spec:
    """A filter, and the SQL that means the same."""

    text: str
    sql: str


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("*", "\\*") + '"'


def sql_text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


ORDERED = ["=", "!=", "<", "<=", ">", ">="]


def sql_op(op: str) -> str:
    return {"!=": "<>", ":": "="}.get(op, op)


def compares(columns: list[str], values: list[Any], cast: str, ops: list[str], spell: Any = str) -> Any:
    """Comparisons of a column with one value."""

    def make(column: str, op: str, value: Any) -> Spec:
        return Spec(
            f"{column} {op} {spell(value)}", f"({column} {sql_op(op)} {sql_text(str(value))}::{cast})"
        )

    return st.builds(make, st.sampled_from(columns), st.sampled_from(ops), st.sampled_from(values))


def like(column: str, parts: list[str], op: str) -> Spec:
    body = "*".join(quoted(part)[1:-1] for part in parts)
    pattern = "%".join(p.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for p in parts)
    sql = f"({column} LIKE {sql_text(pattern)})"
    return Spec(f'{column}{op}"{body}"', sql if op == "=" else f"(NOT {sql})")


def has(column: str, text: str) -> Spec:
    return Spec(f"{column}:{quoted(text)}", f"(position(lower({sql_text(text)}) in lower({column})) > 0)")


def bare(text: str) -> Spec:
    columns = ("string_value", "optional_string_value", "short_text")
    found = " OR ".join(
        f"coalesce(position(lower({sql_text(text)}) in lower({c})) > 0, false)" for c in columns
    )
    return Spec(quoted(text), f"({found})")


NULLABLE = [
    "optional_int32_value",
    "optional_string_value",
    "color",
    "at",
    "identifier",
    "optional_double_value",
]
TEXT_COLUMNS = ["string_value", "optional_string_value", "short_text"]
SHORT = st.sampled_from(["", "a", "b", "%", "_", "\\", "B", "x"])

RESTRICTION = st.one_of(
    compares(["int32_value", "optional_int32_value", "small"], [*INTS[1:-1]], "int", [*ORDERED, ":"]),
    compares(["int64_value", "optional_int64_value"], BIGS, "bigint", ORDERED),
    compares(["optional_uint64_value"], [0, 1, 2**64 - 1], "numeric", ORDERED),
    compares(["optional_double_value"], FLOATS, "float8", ORDERED),
    compares(["float_value"], FLOATS, "real", ORDERED),
    compares(["bool_value", "optional_bool_value"], ["true", "false"], "bool", ["=", "!=", ":"]),
    compares(TEXT_COLUMNS, TEXTS, "text", ORDERED, quoted),
    compares(["color", "color_enum"], COLORS, "text::color", ["=", "!=", ":"]).map(
        lambda spec: Spec(spec.text, spec.sql.replace("(color ", "(color::color "))
    ),
    compares(["at"], TIMES, "timestamptz", ORDERED, quoted),
    compares(["at"], TIMES, "timestamptz", ORDERED),
    compares(["identifier"], UUIDS, "uuid", ORDERED),
    st.builds(
        like,
        st.sampled_from(TEXT_COLUMNS),
        st.lists(SHORT, min_size=2, max_size=4),
        st.sampled_from(["=", "!="]),
    ),
    st.builds(has, st.sampled_from(TEXT_COLUMNS), st.sampled_from(["a", "B", "%", "_", "\\", '"'])),
    st.builds(lambda c: Spec(f"{c} = null", f"({c} IS NULL)"), st.sampled_from(NULLABLE)),
    st.builds(lambda c: Spec(f"{c}!=null", f"({c} IS NOT NULL)"), st.sampled_from(NULLABLE)),
    st.builds(
        lambda c: Spec(f"{c}:*", f"({c} IS NOT NULL)"),
        st.sampled_from([name for name in NULLABLE if name not in TEXT_COLUMNS]),
    ),
    st.builds(lambda c: Spec(f"{c}:*", f"coalesce({c} <> '', false)"), st.sampled_from(TEXT_COLUMNS)),
    st.builds(bare, st.sampled_from(["a", "AB", "50%", "_", "ï"])),
    st.builds(
        lambda c, a, b: Spec(f"{c} = ({a} OR {b})", f"({c} = {a} OR {c} = {b})"),
        st.sampled_from(["int32_value", "optional_int32_value"]),
        st.sampled_from([0, 1, 42]),
        st.sampled_from([-1, 2]),
    ),
    st.builds(
        lambda c, t: Spec(f"{c}.startsWith({quoted(t)})", f"starts_with({c}, {sql_text(t)})"),
        st.sampled_from(TEXT_COLUMNS),
        st.sampled_from(["a", "A", "%", "_"]),
    ),
)


def negated(sign: str, item: Spec) -> Spec:
    return Spec(f"{sign}({item.text})", f"(NOT {item.sql})")


def joined(items: list[Spec], word: str, sql: str) -> Spec:
    return Spec(
        "(" + word.join(item.text for item in items) + ")", "(" + sql.join(item.sql for item in items) + ")"
    )


def unparenthesised(first: Spec, second: Spec, third: Spec) -> Spec:
    """Return `a AND b OR c`, which is `a AND (b OR c)`: OR binds tighter (AIP-160)."""
    return Spec(
        f"({first.text} AND {second.text} OR {third.text})",
        f"({first.sql} AND ({second.sql} OR {third.sql}))",
    )


FILTERS = st.recursive(
    RESTRICTION,
    lambda inner: st.one_of(
        st.builds(negated, st.sampled_from(["NOT ", "-"]), inner),
        st.lists(inner, min_size=2, max_size=3).map(lambda items: joined(items, " AND ", " AND ")),
        st.lists(inner, min_size=2, max_size=3).map(lambda items: joined(items, " OR ", " OR ")),
        st.lists(inner, min_size=2, max_size=3).map(lambda items: joined(items, " ", " AND ")),
        st.builds(unparenthesised, inner, inner, inner),
    ),
    max_leaves=6,
)


def rows() -> list[dict[str, Any]]:
    """Rows whose columns run through their values at different paces, NULL among them."""

    def pick(values: list[Any], i: int, step: int) -> Any:
        return [*values, None][(i // step) % (len(values) + 1)]

    return [
        {
            "id": i,
            "int32_value": INTS[i % len(INTS)],
            "optional_int32_value": pick(INTS, i, 2),
            "small": pick([-1, 0, 42], i, 1),
            "int64_value": BIGS[i % len(BIGS)],
            "optional_int64_value": pick(BIGS, i, 3),
            "optional_uint64_value": pick([0, 1, 2**64 - 1], i, 1),
            "optional_double_value": pick(FLOATS, i, 1),
            "float_value": FLOATS[i % len(FLOATS)],
            "bool_value": i % 2 == 0,
            "optional_bool_value": pick([True, False], i, 1),
            "string_value": TEXTS[i % len(TEXTS)],
            "optional_string_value": pick(TEXTS, i, 2),
            "short_text": pick(TEXTS, i, 3),
            "color": pick(COLORS, i, 1),
            "color_enum": pick(COLORS, i, 2),
            "at": pick(TIMES, i, 1),
            "identifier": pick(UUIDS, i, 1),
        }
        for i in range(120)
    ]


@pytest.fixture(scope="module")
async def stored(module_gateway_for: GatewayFor) -> Stored:
    gateway = await module_gateway_for("types")
    await insert(gateway, gateway.schema.resources["types.v1.Scalar"], rows())
    return Stored(gateway)


@settings(max_examples=250, suppress_health_check=list(HealthCheck))
@given(spec=FILTERS)
@example(spec=negated("NOT ", bare("ab")))
@example(spec=Spec("float_value = 0.1", "(float_value = 0.1::real)"))
@example(spec=Spec("color_enum = COLOR_RED", "(color_enum = 'COLOR_RED')"))
@example(spec=Spec("int32_value = (0 OR -1)", "(int32_value IN (0, -1))"))
@example(spec=Spec("float_value = (NaN OR -Infinity)", "(float_value IN ('NaN', '-Infinity'))"))
@example(spec=Spec("NOT optional_int32_value = 1", "(NOT optional_int32_value = 1)"))
async def test_a_filter_selects_what_sql_selects(stored: Stored, spec: Spec) -> None:
    sql = f"SELECT id FROM scalar WHERE {spec.sql} ORDER BY id"  # noqa: S608 - written by this test
    expected = [row["id"] for row in await stored.sql(sql)]
    page = await stored.call(LIST, {"filter": spec.text, "page_size": 1000})
    assert [row.id for row in page.scalars] == expected
    assert page.total_size == len(expected)


@settings(max_examples=300, suppress_health_check=list(HealthCheck))
@given(
    text=st.lists(
        st.sampled_from(
            [
                "int32_value",
                "string_value",
                "at",
                "color",
                "(",
                ")",
                "=",
                ":",
                "<",
                "AND",
                "OR",
                "NOT",
                "-",
                ".",
                ",",
                "*",
                '"a*"',
                "'x",
                "5",
                "1e400",
                "-3",
                "null",
                "true",
                "2012-04-21T11:30:00Z",
                "timestamp(",
                "startsWith(",
                "\\",
                "\0",
                "\ud83d\ude00",
                "é",
            ]
        ),
        max_size=8,
    ).map(" ".join)
    | st.text(max_size=30)
)
async def test_any_text_is_a_filter_or_an_invalid_argument(stored: Stored, text: str) -> None:
    try:
        await stored.call(
            LIST, {"filter": text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")}
        )
    except RpcFailed as failure:
        failed = failure
    else:
        return
    assert failed.code.name == "INVALID_ARGUMENT", failed.message
    assert failed.reason == "INVALID_FILTER"
    assert failed.fields == ["filter"]
    assert int(failed.metadata["column"]) >= 1
