"""Orders, page tokens, exact values and field masks below the RPC."""

import math
from decimal import Decimal
from ipaddress import ip_interface, ip_network
from typing import Any
from uuid import UUID

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidArgument
from gateway.request.etag import etag_of, version_of
from gateway.request.masks import read_fields, update_columns
from gateway.request.pages.exact_values import dump_values, load_values
from gateway.request.pages.order import Term, parse_order
from gateway.request.pages.page_token import PAGE_TOKEN, Last, PageTokens, fingerprint_of
from gateway.request.paths import InvalidPathError, split_path
from tests.harness.gateway import schema_of

ACCOUNT = schema_of("ledger").resources["ledger.v1.Account"]
RICH = schema_of("types").resources["types.v1.Rich"]

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.decimals()
    | st.uuids()
    | st.ip_addresses()
    | st.ip_addresses().map(ip_interface)
    | st.ip_addresses().map(ip_network),
    lambda inner: st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple),
    max_leaves=5,
)


def same(one: Any, two: Any) -> bool:
    if type(one) is not type(two):
        return False
    if isinstance(one, float | Decimal):
        return str(one) == str(two)
    if isinstance(one, list | tuple):
        return len(one) == len(two) and all(map(same, one, two))
    return bool(one == two)


@given(st.lists(VALUES, max_size=4))
def test_driver_values_come_back_exactly(values: list[Any]) -> None:
    assert same(load_values(dump_values(values)), values)


def test_a_value_of_another_type_is_no_driver_value() -> None:
    with pytest.raises(TypeError):
        dump_values([object()])


def test_a_token_opens_under_an_old_secret_and_no_other() -> None:
    old, new, other = PageTokens(b"a" * 16), PageTokens(b"b" * 16, b"a" * 16), PageTokens(b"c" * 16)
    fingerprint = fingerprint_of("m", "f")
    values = [math.inf, UUID(int=7), None, (5,)]
    token = old.seal(fingerprint, values, [3])
    assert new.open(token) == Last(fingerprint, values)
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    with pytest.raises(InvalidArgument) as caught:
        other.open(token)
    assert caught.value.reason == "INVALID_PAGE_TOKEN"
    with pytest.raises(InvalidArgument) as caught:
        new.open(token).require(fingerprint_of("m", "g"), PAGE_TOKEN)
    assert caught.value.reason == "PAGE_TOKEN_MISMATCH"


def test_a_token_shows_nothing_of_its_row() -> None:
    tokens = PageTokens(b"a" * 16)
    assert tokens.seal(fingerprint_of(), ["secret"], [0]) != tokens.seal(fingerprint_of(), ["secret"], [0])


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        PageTokens(b"short")


@given(st.text(max_size=80))
def test_no_text_is_a_token(text: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        PageTokens(b"a" * 16).open(text)
    assert caught.value.reason == "INVALID_PAGE_TOKEN"


def test_an_order_ends_in_the_key_in_its_last_direction() -> None:
    assert parse_order("", ACCOUNT) == (Term("book"), Term("number"))
    assert parse_order(" limit  desc ", ACCOUNT) == (
        Term("limit", descending=True),
        Term("book", descending=True),
        Term("number", descending=True),
    )
    assert parse_order("number desc,owner asc", ACCOUNT) == (
        Term("number", descending=True),
        Term("user"),
        Term("book"),
    )


def test_an_order_by_the_etag_is_sent_to_the_version() -> None:
    with pytest.raises(InvalidArgument, match='"etag" is computed; order by "revision" instead'):
        parse_order("etag", ACCOUNT)


@given(st.integers(-(2**63), 2**63 - 1))
def test_an_etag_is_its_version(version: int) -> None:
    assert version_of(etag_of(version)) == version


@pytest.mark.parametrize("etag", ["", "7", '"7"', '"v07"', 'W/"v7"', '"v7" ', '"v\u0667"'])
def test_another_string_is_no_etag(etag: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        version_of(etag)
    assert caught.value.reason == "INVALID_ETAG"


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("a.b", ("a", "b")),
        ("a.`b.c`.d", ("a", "b.c", "d")),
        ("`x``y`", ("x`y",)),
        ("a.``", ("a", "")),
        ("a.*.b", ("a", "*", "b")),
    ],
)
def test_a_path_is_split_at_its_dots(path: str, steps: tuple[str, ...]) -> None:
    assert split_path(path) == steps


@pytest.mark.parametrize("path", ["", ".", "a.", ".a", "a..b", "`a", "a`b`"])
def test_a_path_has_no_empty_step(path: str) -> None:
    with pytest.raises(InvalidPathError):
        split_path(path)


def names(mask: Any) -> list[str]:
    return [field.name for field in mask.fields]


def test_a_read_mask_names_fields_once_and_in_their_order() -> None:
    mask = read_fields(ACCOUNT, ["title", "etag", "book", "title"])
    assert (names(mask), mask.etag) == (["book", "title"], True)
    whole = read_fields(ACCOUNT, ["*"])
    assert whole.fields == ACCOUNT.fields
    assert whole.etag


def test_a_field_named_whole_and_in_part_is_whole() -> None:
    assert read_fields(RICH, ["part", "part.name"]).below == {}
    assert read_fields(RICH, ["part.name", "part.parts.*.at"]).below == {
        "part": (("name",), ("parts", "*", "at"))
    }


def account(**fields: Any) -> Any:
    return GetMessageClass(ACCOUNT.message)(**fields)


def test_an_update_without_a_mask_writes_the_populated_fields() -> None:
    sent = account(book="a", number=1, title="x", limit=0, revision=5, etag='"v1"')
    expected = ["title", "limit"] if ACCOUNT.by_name["limit"].has_presence else ["title"]
    assert names(update_columns(ACCOUNT, None, sent)) == expected
    assert names(update_columns(ACCOUNT, FieldMask(), sent)) == expected


def test_a_star_writes_every_field_that_a_caller_may() -> None:
    written = names(update_columns(ACCOUNT, FieldMask(paths=["*"]), account()))
    assert "title" in written
    assert not {"book", "number", "revision", "etag", "opened_at"} & set(written)


def test_an_update_mask_writes_what_it_names_but_nothing_of_the_servers() -> None:
    mask = FieldMask(paths=["owner", "revision", "etag", "book", "note"])
    assert names(update_columns(ACCOUNT, mask, account())) == ["owner", "note"]


@pytest.mark.parametrize("path", ["", "nope", "*.x", "title.x", "etag.x", "limit."])
def test_a_path_to_nowhere_is_named(path: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        update_columns(ACCOUNT, FieldMask(paths=["title", path]), account())
    assert caught.value.reason == "INVALID_FIELD_MASK"
    assert [violation.field for violation in caught.value.violations] == ["update_mask"]
