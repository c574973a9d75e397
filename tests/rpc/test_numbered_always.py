"""Numbers that PostgreSQL alone gives (GENERATED ALWAYS AS IDENTITY): the same answers on every path."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway
from tests.rpc.bulk_ways import WAYS, taking
from tests.rpc.test_bulk_errors import named

TICKETS = "numbered.v1.TicketService"
PLACES = "numbered.v1.PlaceService"
BLANKS = "numbered.v1.BlankService"
REASON = "GENERATED_COLUMN"
SIZES = (1, 10, 2000)
_NEW, _UPDATED, _FAILED = 1, 2, 5


@pytest.fixture(scope="module")
async def served(module_gateway_for: GatewayFor) -> RunningGateway:
    """Serve tables whose numbers an administrator made PostgreSQL's own."""
    gateway = await module_gateway_for("numbered")
    for table, column in (("ticket", "id"), ("place", "number"), ("blank", "id")):
        await gateway.sql(f"ALTER TABLE {table} ALTER {column} SET GENERATED ALWAYS")
    return gateway


@pytest.fixture
async def gateway(served: RunningGateway) -> RunningGateway:
    """Return the gateway with the tickets 1 to 3 and the place 1 stored, and nothing else."""
    await served.sql("TRUNCATE ticket, place, blank RESTART IDENTITY")
    await served.sql("INSERT INTO ticket (code) VALUES ('a'), ('b'), ('c')")
    await served.sql("INSERT INTO place (code) VALUES ('a')")
    return served


@pytest.fixture(params=WAYS)
def _way(request: pytest.FixtureRequest) -> Iterator[None]:
    with taking(request.param):
        yield


def new(size: int) -> list[dict[str, Any]]:
    return [{"code": f"new {n}", "holder": "h"} for n in range(size)]


async def ids(gateway: RunningGateway) -> list[int]:
    return [row["id"] for row in await gateway.sql("SELECT id FROM ticket ORDER BY id")]


async def refused(gateway: RunningGateway, method: str, **request: Any) -> list[str]:
    """Return the fields that the refusal of a call names."""
    with pytest.raises(RpcFailed) as failed:
        await gateway.call(method, **request)
    assert failed.value.reason == REASON
    return failed.value.fields


async def test_what_is_created_gets_the_next_number(gateway: RunningGateway) -> None:
    assert (await gateway.call(f"{TICKETS}/CreateTicket", ticket={"code": "d"})).id == 4
    batch = [{"ticket": {"code": code}} for code in "zyx"]
    created = await gateway.call(f"{TICKETS}/BatchCreateTickets", requests=batch)
    assert [(ticket.code, ticket.id) for ticket in created.tickets] == [("z", 5), ("y", 6), ("x", 7)]


async def test_creates_that_share_a_statement_are_numbered(gateway: RunningGateway) -> None:
    creates = (gateway.call(f"{TICKETS}/CreateTicket", ticket={"code": f"{n}"}) for n in range(50))
    assert len({ticket.id for ticket in await asyncio.gather(*creates)}) == 50
    # Neither of them was tried in vain, which takes a number.
    assert await ids(gateway) == list(range(1, 54))


async def test_rows_of_nothing_but_numbers_are_created(gateway: RunningGateway) -> None:
    assert (await gateway.call(f"{BLANKS}/CreateBlank", blank={})).id == 1
    created = await gateway.call(f"{BLANKS}/BatchCreateBlanks", requests=[{"blank": {}}] * 3)
    assert sorted(blank.id for blank in created.blanks) == [2, 3, 4]


async def test_a_create_that_sends_a_number_is_refused(gateway: RunningGateway) -> None:
    ticket = {"id": 70, "code": "d"}
    assert await refused(gateway, f"{TICKETS}/CreateTicket", ticket=ticket) == ["ticket.id"]
    batch = [{"ticket": {"code": "e"}}, {"ticket": ticket}]
    found = await refused(gateway, f"{TICKETS}/BatchCreateTickets", requests=batch)
    assert found == ["requests[1].ticket.id"]
    place = {"code": "d", "number": 70}
    assert await refused(gateway, f"{PLACES}/CreatePlace", place=place) == ["place.number"]
    assert await ids(gateway) == [1, 2, 3]


async def test_allow_missing_creates_no_row_of_a_number_that_is_sent(gateway: RunningGateway) -> None:
    update = {"ticket": {"id": 70, "code": "d"}, "allow_missing": True}
    assert await refused(gateway, f"{TICKETS}/UpdateTicket", **update) == ["ticket.id"]
    stored = {"ticket": {"id": 2, "code": "b", "holder": "h"}, "allow_missing": True}
    found = await refused(gateway, f"{TICKETS}/BatchUpdateTickets", requests=[stored, update])
    assert found == ["requests[1].ticket.id"]
    assert (await gateway.call(f"{TICKETS}/UpdateTicket", **stored)).holder == "h"
    place = await gateway.call(
        f"{PLACES}/UpdatePlace", place={"code": "d", "holder": "h"}, allow_missing=True
    )
    assert place.number == 2


async def test_an_update_that_sends_a_number_is_refused(gateway: RunningGateway) -> None:
    place = {"code": "a", "number": 70}
    assert await refused(gateway, f"{PLACES}/UpdatePlace", place=place) == ["place.number"]
    found = await refused(gateway, f"{PLACES}/BatchUpdatePlaces", requests=[{"place": place}])
    assert found == ["requests[0].place.number"]


@pytest.mark.parametrize("size", SIZES)
async def test_new_rows_are_numbered_whatever_key_tells_them(gateway: RunningGateway, size: int) -> None:
    for method, field, target in (
        (TICKETS, "tickets", ["code"]),
        (TICKETS, "tickets", ["id"]),
        (PLACES, "places", ["code"]),
    ):
        rows = [{**row, "code": f"{target} {row['code']}"} for row in new(size)]
        answer = await gateway.call(
            f"{method}/BulkUpsert{field.title()}", **{field: rows, "conflict_target": target}
        )
        assert answer.inserted_count == size
    # One of each: a row takes no number but its own.
    assert await ids(gateway) == list(range(1, 2 * size + 4))
    numbers = await gateway.sql("SELECT number FROM place ORDER BY number")
    assert [row["number"] for row in numbers] == list(range(1, size + 2))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("target", ["code", "id"])
async def test_new_rows_that_send_numbers_are_refused(
    gateway: RunningGateway, size: int, target: str
) -> None:
    rows = [{**row, "id": 1000 + n} for n, row in enumerate(new(size))]
    for call in (
        {"tickets": rows, "conflict_target": [target]},
        {"tickets": [*rows[:-1], {**rows[-1], "code": "last"}], "conflict_target": [target]},
    ):
        fields = await refused(gateway, f"{TICKETS}/BulkUpsertTickets", **call)
        assert fields == [f"tickets[{n}].id" for n in range(min(size, 20))]
    found = await refused(
        gateway, f"{PLACES}/BulkUpsertPlaces", places=[*new(size - 1), {"code": "z", "number": 70}]
    )
    assert found == [f"places[{size - 1}].number"]
    assert await ids(gateway) == [1, 2, 3]


@pytest.mark.usefixtures("_way")
async def test_a_number_finds_a_stored_row(gateway: RunningGateway) -> None:
    rows = [
        {"id": 2, "code": "b", "holder": "h"},
        {"code": "d"},
        {"id": 70, "code": "e"},
        {"id": 3, "code": "c"},
    ]
    answer = await gateway.call(
        f"{TICKETS}/BulkUpsertTickets", tickets=rows, partial_failure=True, outcomes=True
    )
    assert list(answer.outcomes) == [_UPDATED, _NEW, _FAILED, 3]
    assert named(answer) == {2: (REASON, ["tickets[2].id"])}
    assert await ids(gateway) == [1, 2, 3, 4]


@pytest.mark.usefixtures("_way")
async def test_stored_rows_keep_their_numbers(gateway: RunningGateway) -> None:
    rows = [{"code": "a", "holder": "h"}, {"code": "b"}, {"code": "c", "number": 70}]
    answer = await gateway.call(
        f"{PLACES}/BulkUpsertPlaces", places=rows, partial_failure=True, outcomes=True
    )
    assert list(answer.outcomes) == [_UPDATED, _NEW, _FAILED]
    assert named(answer) == {2: (REASON, ["places[2].number"])}
    stored = await gateway.sql("SELECT code, number, holder FROM place ORDER BY code")
    # A number is drawn for each row that might be new, so there are gaps.
    assert [(row["code"], row["holder"]) for row in stored] == [("a", "h"), ("b", None)]
    assert (stored[0]["number"], stored[1]["number"] in {2, 3}) == (1, True)


@pytest.mark.parametrize("size", SIZES)
async def test_ingest_does_the_same(gateway: RunningGateway, size: int) -> None:
    talk = gateway.client.converse(f"{TICKETS}/IngestTickets")
    start = {"stream_id": f"of {size}", "conflict_target": ["code"], "partial_failure": True}
    await talk.ask(start=start)
    answer = await talk.ask(sequence=1, tickets=[*new(size), {"id": 70, "code": "d"}])
    assert (answer.inserted_count, named(answer)) == (size, {size: (REASON, [f"tickets[{size}].id"])})
    assert await talk.end() == []
