"""Rules of buf.validate: what breaks one is refused, by path, before any statement."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from google.rpc import error_details_pb2

from gateway.schema.diagnostics import SchemaError
from gateway.schema.protos.sources import compile_texts
from gateway.schema.read import read_schema
from tests.harness.callers import Caller, clients_of, write_keys
from tests.harness.client import Client, RpcFailed
from tests.harness.gateway import RunningGateway, descriptors_of

GUESTS = "validated.v1.GuestService"
RIGHT = {"id": 1, "name": "Ada", "mail": "ada@example.com", "arrival": 1, "departure": 2, "note": "vip"}
BROKEN: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({"name": "A"}, [("guest.name", "STRING_MIN_LEN")]),
    (
        {"name": "A", "mail": "nobody"},
        [("guest.name", "STRING_MIN_LEN"), ("guest.mail", "STRING_EMAIL")],
    ),
    ({"arrival": 3}, [("guest", "STAY")]),
    ({"tags": ["a", "a"]}, [("guest.tags", "REPEATED_UNIQUE")]),
    ({"tags": ["a", ""]}, [("guest.tags[1]", "STRING_MIN_LEN")]),
    ({"nights": {"inn": 0}}, [('guest.nights["inn"]', "INT32_GT")]),
    ({"address": {"city": "Ur"}}, [("guest.address.city", "STRING_MIN_LEN")]),
    ({"note": None}, [("guest.note", "REQUIRED")]),
]

Serve = Callable[..., Awaitable[RunningGateway]]


@pytest.fixture
async def guests(gateway_for: Serve) -> RunningGateway:
    return await gateway_for("validated")


async def refusal(client: Client | RunningGateway, method: str, /, **fields: Any) -> RpcFailed:
    with pytest.raises(RpcFailed) as refused:
        await client.call(f"{GUESTS}/{method}", **fields)
    return refused.value


async def broken(client: Client | RunningGateway, method: str, /, **fields: Any) -> list[tuple[str, str]]:
    error = await refusal(client, method, **fields)
    assert (error.code.name, error.reason) == ("INVALID_ARGUMENT", "RULE_VIOLATION")
    (request,) = error.details(error_details_pb2.BadRequest)
    return [(violation.field, violation.reason) for violation in request.field_violations]


async def stored(gateway: RunningGateway) -> list[int]:
    return [row["id"] for row in await gateway.sql("SELECT id FROM guest ORDER BY id")]


async def test_a_broken_rule_is_told_by_its_path_and_nothing_is_written(guests: RunningGateway) -> None:
    for changed, told in BROKEN:
        assert await broken(guests, "CreateGuest", guest=RIGHT | changed) == told
    assert await broken(guests, "CreateGuest") == [("guest", "REQUIRED")]
    assert await stored(guests) == []
    created = await guests.call(f"{GUESTS}/CreateGuest", guest=RIGHT)
    assert created.HasField("created_at")


async def test_rules_of_reads_hold_before_rows_are_looked_for(guests: RunningGateway) -> None:
    assert await broken(guests, "GetGuest", id=1000) == [("id", "INT64_LT")]
    assert await broken(guests, "ListGuests", page_size=21) == [("page_size", "INT32_LTE")]
    assert (await refusal(guests, "ListGuests", page_size=7)).reason == "RULE_NOT_EVALUATED"
    assert (await refusal(guests, "GetGuest", id=999)).code.name == "NOT_FOUND"


async def test_an_update_is_held_to_the_rules_of_what_it_writes(guests: RunningGateway) -> None:
    await guests.call(f"{GUESTS}/CreateGuest", guest=RIGHT)
    update = f"{GUESTS}/UpdateGuest"
    changed = await guests.call(update, guest={"id": 1, "name": "Bob"}, update_mask="name")
    assert (changed.name, changed.mail) == ("Bob", RIGHT["mail"])
    # Without a mask what is set is written; the rules of what is left out don't count, nor do the row's own.
    assert (await guests.call(update, guest={"id": 1, "arrival": 2})).arrival == 2
    # What isn't named isn't written.
    await guests.call(update, guest={"id": 1, "name": "Eve", "mail": "x"}, update_mask="name")
    for mask in ("mail", "", None):
        wrong = await broken(guests, "UpdateGuest", guest={"id": 1, "mail": "x"}, update_mask=mask)
        assert wrong == [("guest.mail", "STRING_EMAIL")]
    assert await broken(guests, "UpdateGuest", guest=RIGHT | {"arrival": 9}, update_mask="*") == [
        ("guest", "STAY")
    ]
    # A row that may be a new one is whole.
    told = await broken(guests, "UpdateGuest", guest={"id": 2, "name": "Bob"}, allow_missing=True)
    assert told == [("guest.mail", "STRING_EMAIL_EMPTY"), ("guest.note", "REQUIRED")]


async def test_what_a_filter_finds_is_held_to_the_rules_of_what_is_written(guests: RunningGateway) -> None:
    """But for those of the key, which isn't sent."""
    await guests.call(f"{GUESTS}/CreateGuest", guest=RIGHT)
    method, found = "UpdateGuestsByFilter", {"filter": "*", "max_rows": 9}
    values = {name: value for name, value in RIGHT.items() if name != "id"}
    assert (await guests.call(f"{GUESTS}/{method}", guest={"name": "Bob"}, **found)).count == 1
    assert (await guests.call(f"{GUESTS}/{method}", guest=values, update_mask="*", **found)).count == 1
    assert await broken(guests, method, guest={"mail": "x"}, **found) == [("guest.mail", "STRING_EMAIL")]
    whole = {"guest": values | {"arrival": 9}, "update_mask": "*"}
    assert await broken(guests, method, **whole, **found) == [("guest", "STAY")]
    assert await broken(guests, method, filter="*", max_rows=21) == [("max_rows", "INT32_LTE")]


async def test_batches_tell_the_request_that_is_wrong(guests: RunningGateway) -> None:
    requests = [{"guest": RIGHT}, {"guest": RIGHT | {"id": 2, "name": "A"}}]
    assert await broken(guests, "BatchCreateGuests", requests=requests) == [
        ("requests[1].guest.name", "STRING_MIN_LEN")
    ]
    many = [{"guest": RIGHT | {"id": n}} for n in range(1, 5)]
    assert await broken(guests, "BatchCreateGuests", requests=many) == [("requests", "REPEATED_MAX_ITEMS")]
    assert await stored(guests) == []
    await guests.call(f"{GUESTS}/BatchCreateGuests", requests=many[:3])
    updates = [
        {"guest": {"id": 1, "name": "Eve"}, "update_mask": "name"},
        {"guest": {"id": 2, "mail": "x"}, "update_mask": "mail"},
    ]
    assert await broken(guests, "BatchUpdateGuests", requests=updates) == [
        ("requests[1].guest.mail", "STRING_EMAIL")
    ]
    assert await guests.sql("SELECT name FROM guest WHERE name = 'Eve'") == []


async def test_a_bulk_upsert_refuses_the_rows_that_break_rules(guests: RunningGateway) -> None:
    bulk = f"{GUESTS}/BulkUpsertGuests"
    assert await broken(guests, "BulkUpsertGuests") == [("guests", "REPEATED_MIN_ITEMS")]
    rows = [RIGHT | {"id": n} for n in range(1, 6)]
    rows[1] |= {"arrival": 7}
    rows[3] |= {"tags": ["a", ""]}
    error = await refusal(guests, "BulkUpsertGuests", guests=rows)
    assert (error.reason, error.fields) == ("RULE_VIOLATION", ["guests[1]", "guests[3].tags[1]"])
    assert await stored(guests) == []
    answer = await guests.call(bulk, guests=rows, partial_failure=True)
    assert [failure.index for failure in answer.failures] == [1, 3]
    assert await stored(guests) == [1, 3, 5]


async def test_fields_that_a_caller_may_not_write_break_no_rule(gateway_for: Serve, tmp_path: Path) -> None:
    callers = (Caller("ann"), Caller("bob", roles=("clerk",)))
    path = tmp_path / "keys.json"
    keys = write_keys(path, callers)
    gateway = await gateway_for("validated", auth_providers="api_key", auth_api_keys=path)
    async with clients_of(gateway, "validated", keys) as clients:
        told = await broken(clients["bob"], "CreateGuest", guest=RIGHT | {"note": None})
        assert told == [("guest.note", "REQUIRED")]
        row = {name: value for name, value in RIGHT.items() if name != "note"}
        await clients["ann"].call(f"{GUESTS}/CreateGuest", guest=row)
        await clients["ann"].call(f"{GUESTS}/BulkUpsertGuests", guests=[row | {"id": 2}])
    assert await stored(gateway) == [1, 2]


def test_a_rule_of_another_type_than_its_field_stops_the_start() -> None:
    text = Path("tests/schemas/validated/validated.proto").read_text()
    wrong = text.replace(
        "int64 id = 1 [(buf.validate.field).int64.gt = 0]",
        "int64 id = 1 [(buf.validate.field).string.min_len = 1]",
    )
    with pytest.raises(SchemaError) as refused:
        read_schema(compile_texts({"validated.proto": wrong}))
    (diagnostic,) = refused.value.diagnostics
    assert (diagnostic.file, diagnostic.where) == ("validated.proto", "validated.v1.Guest")
    assert diagnostic.line == text[: text.index("message Guest")].count("\n") + 1
    assert "can't be compiled" in diagnostic.wrong


def test_a_schema_may_bring_the_rules_file_itself() -> None:
    brought = next(
        file for file in descriptors_of("validated").file if file.name == "buf/validate/validate.proto"
    )
    assert brought.package == "buf.validate"
