"""List: every row once, in order, whatever the order and the page size; tokens serve one list alone."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.rpc.readside import Stored, insert, read_all
from tests.rpc.scalars import ORDERS, TIMES, UUIDS, rows

LIST = "types.v1.ScalarService/ListScalars"
ENTRIES = "ledger.v1.EntryService/ListEntries"
NODES = "adversarial.v1.NodeService/ListNodes"


@pytest.fixture(scope="module")
async def stored(module_gateway_for: GatewayFor) -> Stored:
    gateway = await module_gateway_for("types")
    await insert(gateway, gateway.schema.resources["types.v1.Scalar"], rows(60))
    return Stored(gateway)


@settings(max_examples=80, suppress_health_check=list(HealthCheck))
@given(order=ORDERS, page_size=st.integers(1, 25))
async def test_pages_hold_each_row_once_in_order(
    stored: Stored, order: list[tuple[str, bool]], page_size: int
) -> None:
    order_by = ", ".join(f"{column} desc" if descending else column for column, descending in order)
    found = [row.id for row in await read_all(stored, LIST, "scalars", page_size, order_by=order_by)]
    last = " DESC" if order and order[-1][1] else ""
    terms = [f"{column} DESC" if descending else column for column, descending in order]
    sql = f"SELECT id FROM scalar ORDER BY {', '.join([*terms, 'id' + last])}"  # noqa: S608 - written here
    assert found == [row["id"] for row in await stored.sql(sql)]


async def test_pages_hold_each_row_once_while_rows_come_in(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("types")
    resource = gateway.schema.resources["types.v1.Scalar"]
    before = rows(50)
    await insert(gateway, resource, before)
    found: list[int] = []
    token = ""
    for step in range(100):
        page = await gateway.call(
            LIST, page_size=7, page_token=token, order_by="optional_double_value desc, string_value"
        )
        found += [row.id for row in page.scalars]
        token = page.next_page_token
        if not token:
            break
        late = rows(3)
        await insert(
            gateway, resource, [{**row, "id": 200_000 + step * 10 + i} for i, row in enumerate(late)]
        )
    assert len(found) == len(set(found))
    assert {row["id"] for row in before} <= set(found)


@pytest.mark.parametrize("collation", ['FROM "C"', "(provider = builtin, locale = 'C.UTF-8')"])
async def test_text_pages_by_its_columns_collation(gateway_for: GatewayFor, collation: str) -> None:
    gateway = await gateway_for("types")
    await insert(gateway, gateway.schema.resources["types.v1.Scalar"], rows(40))
    await gateway.sql(f"CREATE COLLATION tested {collation}")
    for column in ("string_value", "optional_string_value"):
        await gateway.sql(f"ALTER TABLE scalar ALTER COLUMN {column} TYPE text COLLATE tested")
    for order_by in ("string_value, id", "optional_string_value desc, id", "string_value desc"):
        found = [row.id for row in await read_all(gateway, LIST, "scalars", 3, order_by=order_by)]
        terms = order_by if "id" in order_by else f"{order_by}, id desc"
        sql = f"SELECT id FROM scalar ORDER BY {terms}"  # noqa: S608 - written here
        assert found == [row["id"] for row in await gateway.sql(sql)]


async def test_composite_keys_with_odd_names_page_in_key_order(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("ledger")
    accounts = [{"book": "main", "number": i, "iban": str(i), "Title": str(i)} for i in (1, 2)]
    await insert(gateway, gateway.schema.resources["ledger.v1.Account"], accounts)
    resource = gateway.schema.resources["ledger.v1.Entry"]
    booked = {"book": "main", "debit": 1, "credit": 2, "amount": 1}
    await insert(gateway, resource, [{**booked, "sequence": i % 4, "part": i} for i in range(20)])
    found = await read_all(gateway, ENTRIES, "entries", 3)
    keys = [(row.book, row.sequence, row.part) for row in found]
    assert keys == sorted(("main", i % 4, i) for i in range(20))
    mixed = await read_all(gateway, ENTRIES, "entries", 3, order_by="sequence desc, book, part desc")
    assert [(row.sequence, row.part) for row in mixed] == sorted(
        ((i % 4, i) for i in range(20)), key=lambda key: (-key[0], -key[1])
    )


async def test_page_size_has_a_default_a_limit_and_no_sign(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("types")
    await insert(gateway, gateway.schema.resources["types.v1.Scalar"], [{"id": i} for i in range(1002)])
    assert len((await gateway.call(LIST)).scalars) == 50
    big = await gateway.call(LIST, page_size=5000)
    assert len(big.scalars) == 1000
    assert big.total_size == 1002
    rest = await gateway.call(LIST, page_size=5, page_token=big.next_page_token)
    assert [row.id for row in rest.scalars] == [1000, 1001]
    assert not rest.next_page_token
    with pytest.raises(RpcFailed) as failed:
        await gateway.call(LIST, page_size=-1)
    assert (failed.value.code.name, failed.value.fields) == ("INVALID_ARGUMENT", ["page_size"])


@pytest.mark.parametrize(
    "change",
    [
        {"filter": "int32_value >= 1"},
        {"order_by": "string_value desc"},
        {"order_by": ""},
    ],
)
async def test_a_token_serves_its_own_list_alone(stored: Stored, change: dict[str, Any]) -> None:
    asked = {"filter": "int32_value >= 0", "order_by": "string_value", "page_size": 2}
    token = (await stored.call(LIST, asked)).next_page_token
    with pytest.raises(RpcFailed) as failed:
        await stored.call(LIST, {**asked, **change, "page_token": token})
    assert failed.value.reason == "PAGE_TOKEN_MISMATCH"
    assert failed.value.fields == ["page_token"]


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(data=st.data())
async def test_an_altered_token_is_refused(stored: Stored, data: st.DataObject) -> None:
    token = (await stored.call(LIST, page_size=2)).next_page_token
    place = data.draw(st.integers(0, len(token) - 1))
    # A token is never the same twice: what is drawn may not depend on it.
    one, another = data.draw(
        st.lists(st.sampled_from("ABCxyz019-_=. +/"), min_size=2, max_size=2, unique=True)
    )
    other = another if one == token[place] else one
    for altered in (token[:place] + other + token[place + 1 :], token[:place], token + other):
        if altered:
            with pytest.raises(RpcFailed) as failed:
                await stored.call(LIST, page_size=2, page_token=altered)
            assert failed.value.reason == "INVALID_PAGE_TOKEN"


async def test_a_token_of_another_gateway_is_refused(stored: Stored, gateway_for: GatewayFor) -> None:
    other = await gateway_for("types")
    await insert(other, other.schema.resources["types.v1.Scalar"], rows(3))
    token = (await other.call(LIST, page_size=2)).next_page_token
    with pytest.raises(RpcFailed) as failed:
        await stored.call(LIST, page_size=2, page_token=token)
    assert failed.value.reason == "INVALID_PAGE_TOKEN"


@pytest.mark.parametrize(
    ("order_by", "says"),
    [
        ("strng_value", 'did you mean "string_value"?'),
        ("id desc, id", "twice"),
        ("id downwards", "no term"),
        ("id,,string_value", "no term"),
        ("at.seconds", "whole fields"),
    ],
)
async def test_a_wrong_order_is_refused(stored: Stored, order_by: str, says: str) -> None:
    with pytest.raises(RpcFailed) as failed:
        await stored.call(LIST, order_by=order_by)
    assert failed.value.reason == "INVALID_ORDER_BY"
    assert failed.value.fields == ["order_by"]
    assert says in failed.value.message


async def test_lists_hide_deleted_rows_unless_asked(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("adversarial")
    nodes = [{"id": uuid, "position": i, "color": "COLOR_RED"} for i, uuid in enumerate(UUIDS)]
    nodes[1]["deleted_at"] = TIMES[0]
    await insert(gateway, gateway.schema.resources["adversarial.v1.Node"], nodes)
    assert [node.id for node in (await gateway.call(NODES)).nodes] == [UUIDS[0]]
    every = await gateway.call(NODES, show_deleted=True)
    assert {node.id for node in every.nodes} == set(UUIDS)
    token = (await gateway.call(NODES, show_deleted=True, page_size=1)).next_page_token
    with pytest.raises(RpcFailed) as failed:
        await gateway.call(NODES, page_size=1, page_token=token)
    assert failed.value.reason == "PAGE_TOKEN_MISMATCH"


async def test_a_field_of_the_request_asks_for_equality(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("adversarial")
    resource = gateway.schema.resources["adversarial.v1.Node"]
    root, leaf = UUIDS
    await insert(gateway, resource, [{"id": root, "position": 1, "color": "COLOR_RED"}])
    await insert(gateway, resource, [{"id": leaf, "position": 2, "parent_id": root, "color": "COLOR_RED"}])
    assert [node.id for node in (await gateway.call(NODES, parent_id=root)).nodes] == [leaf]
    assert len((await gateway.call(NODES)).nodes) == 2
    with pytest.raises(RpcFailed) as failed:
        await gateway.call(NODES, parent_id="no uuid")
    assert failed.value.fields == ["parent_id"]
