"""Numbers that a default draws from a sequence which belongs to no column, or to another one."""

import asyncio

import pytest

from tests.conftest import GatewayFor
from tests.harness.gateway import RunningGateway
from tests.rpc.bulk_ways import WAYS, taking

TICKETS = "numbered.v1.TicketService"
DEFAULTS = {
    "no column's": "CREATE SEQUENCE drawn START 100",
    "another's": "CREATE SEQUENCE drawn START 100; CREATE SEQUENCE unused OWNED BY ticket.id",
}


@pytest.fixture(params=DEFAULTS)
async def gateway(request: pytest.FixtureRequest, gateway_for: GatewayFor) -> RunningGateway:
    """Serve tickets as others number them: their first is 100."""
    gateway = await gateway_for("numbered")
    await gateway.sql("ALTER TABLE ticket ALTER id DROP IDENTITY")
    for statement in DEFAULTS[request.param].split("; "):
        await gateway.sql(statement)
    await gateway.sql("ALTER TABLE ticket ALTER id SET DEFAULT nextval('drawn')")
    return gateway


async def _numbers(gateway: RunningGateway) -> list[int]:
    return [row["id"] for row in await gateway.sql("SELECT id FROM ticket ORDER BY id")]


@pytest.mark.parametrize("way", WAYS)
async def test_a_bulk_upsert_draws_from_the_defaults_sequence(gateway: RunningGateway, way: str) -> None:
    """Where it belonged to none all rows were refused, and else they were numbered by the wrong one."""
    tickets = [{"code": f"new {n}"} for n in range(20)]
    with taking(way):
        answer = await gateway.call(f"{TICKETS}/BulkUpsertTickets", tickets=tickets)
    assert answer.inserted_count == 20
    assert await _numbers(gateway) == list(range(100, 120))


async def test_creates_that_share_a_statement_draw_from_the_defaults_sequence(
    gateway: RunningGateway,
) -> None:
    calls = (
        gateway.call(f"{TICKETS}/CreateTicket", ticket={"code": f"new {n}"}, timeout=20) for n in range(40)
    )
    made = [ticket.id for ticket in await asyncio.gather(*calls)]
    assert sorted(made) == await _numbers(gateway) == list(range(100, 140))
