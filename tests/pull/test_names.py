"""Names of tables and columns → names of protos."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.proto_files.english import plural_name
from gateway.pull.names import free_name, lower_snake, message_name, package_part
from gateway.schema.services.plurals import plurals

TABLES = {
    "orders": ("Order", "Orders"),
    "Order Details": ("OrderDetail", "OrderDetails"),
    "categories": ("Category", "Categories"),
    "addresses": ("Address", "Addresses"),
    "statuses": ("Status", "Statuses"),
    "status": ("Status", "Statuses"),
    "people": ("Person", "People"),
    "OrderID": ("OrderId", "OrderIds"),
    "boxes": ("Box", "Boxes"),
    "houses": ("House", "Houses"),
    "courses": ("Course", "Courses"),
    "movies": ("Movie", "Movies"),
    "invoices": ("Invoice", "Invoices"),
    "indices": ("Index", "Indexes"),
    "analyses": ("Analysis", "Analyses"),
    "keys": ("Key", "Keys"),
    "weather": ("Weather", "Weather"),
    "shop_book_tags": ("ShopBookTag", "ShopBookTags"),
    "Große Tabelle": ("GrosseTabelle", "GrosseTabelles"),
    "2fa": ("Table2fa", "Table2fas"),
    "表": ("Table", "Tables"),
}


@pytest.mark.parametrize("table", TABLES)
def test_tables(table: str) -> None:
    name = message_name(table)
    assert (name, plural_name(name)) == TABLES[table]
    assert plural_name(name) in plurals(name)


@given(st.text(min_size=1))
@example("S")
@example("aY")
@example("ies")
@settings(max_examples=50)
def test_any_name_becomes_one_that_protoc_and_buf_take(name: str) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", lower_snake(name, "column"))
    assert re.fullmatch(r"[A-Z][A-Za-z0-9]*", message_name(name))
    assert plural_name(message_name(name)) in plurals(message_name(name))


def test_packages_are_none_that_imports_begin_with() -> None:
    assert [package_part(name, "schema") for name in ("google", "Rowgate", "sales")] == [
        "google_schema",
        "rowgate_schema",
        "sales",
    ]


def test_a_taken_name_gets_a_number() -> None:
    assert free_name("a", {"a", "a_2"}.__contains__, "_") == "a_3"


def test_code_of_packages_can_be_imported() -> None:
    """By Python none that is called by a keyword, by Go none in a folder `internal`."""
    assert [package_part(name, "schema") for name in ("import", "Internal", "public")] == [
        "import_schema",
        "internal_schema",
        "public",
    ]
