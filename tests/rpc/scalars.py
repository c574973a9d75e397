"""Rows of types.v1.Scalar with many ties and NULLs, and orders of them."""

from typing import Any

from hypothesis import strategies as st

COLUMNS = [
    "int32_value",
    "optional_int64_value",
    "optional_uint64_value",
    "float_value",
    "optional_double_value",
    "optional_bool_value",
    "string_value",
    "optional_string_value",
    "optional_bytes_value",
    "short_text",
    "identifier",
    "color",
    "color_number",
    "color_enum",
    "at",
    "local_at",
    "id",
]
TEXTS = ["", "a", "B", "b", "ä", "z", "Z"]
UUIDS = ["123e4567-e89b-12d3-a456-426614174000", "00000000-0000-0000-0000-000000000000"]
TIMES = ["2024-02-29T23:59:59.123456Z", "1999-12-31T23:00:00Z"]
COLORS = ["COLOR_RED", "COLOR_DEEP"]


def rows(number: int) -> list[dict[str, Any]]:
    """Rows with many ties, NULLs, NaN and infinities."""

    def pick(values: list[Any], i: int, step: int) -> Any:
        return [*values, None][(i // step) % (len(values) + 1)]

    return [
        {
            "id": (i * 7919) % 100_003,
            "int32_value": i % 3,
            "optional_int64_value": pick([2**63 - 1, -5], i, 2),
            "optional_uint64_value": pick([2**64 - 1, 0], i, 3),
            "float_value": ["NaN", "0.1", "-0", "Infinity"][i % 4],
            "optional_double_value": pick(["NaN", "0.1", "-Infinity"], i, 1),
            "optional_bool_value": pick([True, False], i, 1),
            "string_value": TEXTS[i % len(TEXTS)],
            "optional_string_value": pick(TEXTS, i, 2),
            "optional_bytes_value": pick(["\\x00", "\\xff00"], i, 1),
            "short_text": pick(TEXTS[:2], i, 1),
            "identifier": pick(UUIDS, i, 1),
            "color": pick(COLORS, i, 1),
            "color_number": pick([1, -(2**31)], i, 2),
            "color_enum": pick(COLORS, i, 1),
            "at": pick(TIMES, i, 1),
            "local_at": pick(TIMES, i, 2),
        }
        for i in range(number)
    ]


ORDERS = st.lists(
    st.tuples(st.sampled_from(COLUMNS), st.booleans()), max_size=4, unique_by=lambda term: term[0]
)
