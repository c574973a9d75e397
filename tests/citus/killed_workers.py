"""Workers of Citus are killed while orders are written: what is acknowledged stays, and no call is half done.

python -m tests.citus.killed_workers --dsn DSN --down COMMAND --up COMMAND [--kills N]

The commands kill and start the worker of a port, which stands for {port} in them.
"""

import asyncio
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import click

from tests.citus.cluster import Cluster
from tests.harness.client import Client, RpcFailed
from tests.harness.gateway import client_of, descriptors_of

WRITERS, TENANTS = 8, 12
_ITEMS = 2
_SECONDS = 60
_ORDERS = "market.v1.OrderService"
_OPEN = {
    "UNAVAILABLE",
    "UNKNOWN",
    "DEADLINE_EXCEEDED",
    "ABORTED",
    "INTERNAL",
    "RESOURCE_EXHAUSTED",
    "CANCELLED",
}
"""The codes of calls that may or may not have been carried out."""

Key = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Sent:
    """A call that wrote orders.

    Args:
        keys: theirs.
        request_id: its name.
        code: what became of it; OK where it was acknowledged.

    """

    keys: frozenset[Key]
    request_id: UUID
    code: str


@dataclass(slots=True)
class Writers:
    """Write orders until they are told to end, each with numbers of its own.

    Args:
        client: of the gateway.
        sent: all calls.

    """

    client: Client
    sent: list[Sent] = field(default_factory=list)
    over: bool = False

    async def write(self, writer: int) -> None:
        """Write one order with its items, or several of many tenants, in turn."""
        number = writer * 1_000_000
        while not self.over:
            number += 10
            is_one = number % 20 == 0
            orders = (
                [_order(number % TENANTS + 1, number)]
                if is_one
                else [_order(tenant, number) for tenant in range(1, TENANTS, 3)]
            )
            method = "CreateOrder" if is_one else "BatchCreateOrders"
            fields = {"order": orders[0]} if is_one else {"requests": [{"order": one} for one in orders]}
            await self._send(method, orders, fields)

    async def _send(self, method: str, orders: Sequence[Mapping[str, Any]], fields: dict[str, Any]) -> None:
        name, code = uuid4(), "OK"
        try:
            await self.client.call(f"{_ORDERS}/{method}", {**fields, "request_id": str(name)}, timeout=10)
        except RpcFailed as error:
            code = (
                error.code.name
                if error.code.name != "INTERNAL"
                else f"INTERNAL {error.reason}: {error.message}"
            )
        keys = frozenset((one["tenant_id"], one["id"]) for one in orders)
        self.sent.append(Sent(keys, name, code))


def _order(tenant: int, number: int) -> dict[str, Any]:
    items = [{"position": n, "product_id": 1, "amount": n} for n in range(1, _ITEMS + 1)]
    return {"tenant_id": tenant, "id": number, "placed_at": "2026-11-24T00:00:00Z", "items": items}


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database holds, seen past the gateway."""

    orders: frozenset[Key]
    whole: frozenset[Key]
    """Those with all of their items."""
    audited: Sequence[Key]
    request_ids: frozenset[UUID]


async def _stored(dsn: str) -> Stored:
    connection = await asyncpg.connect(dsn)
    try:
        orders = await connection.fetch('SELECT tenant_id, id FROM "order"')
        whole = await connection.fetch(
            "SELECT tenant_id, order_id FROM item GROUP BY 1, 2 HAVING count(*) = $1", _ITEMS
        )
        audited = await connection.fetch(
            "SELECT (key->>'tenant_id')::bigint, (key->>'id')::bigint FROM rowgate.audit "
            "WHERE table_name ~ 'order'"
        )
        names = await connection.fetch("SELECT request_id FROM rowgate.idempotency")
    finally:
        await connection.close()
    return Stored(
        frozenset(map(tuple, orders)),
        frozenset(map(tuple, whole)),
        [tuple(row) for row in audited],
        frozenset(UUID(str(name)) for (name,) in names),
    )


def faults(sent: Sequence[Sent], stored: Stored) -> Mapping[str, list[Any]]:
    """Return what is wrong, by kind; of calls that are neither acknowledged nor refused either is right."""
    done = [one for one in sent if one.keys & stored.orders]
    return {
        "acknowledged, and not there": [
            one for one in sent if one.code == "OK" and not one.keys <= stored.orders
        ],
        "refused, and there": [one for one in done if one.code not in {*_OPEN, "OK"}],
        "half done": [one for one in done if not one.keys <= stored.orders],
        "without all items": sorted(stored.orders - stored.whole),
        "not audited once": sorted(
            key
            for key in stored.orders | {*stored.audited}
            if (stored.audited.count(key), key in stored.orders) != (1, True)
        ),
        "without its request_id": [one for one in done if one.request_id not in stored.request_ids],
        "request_id without its orders": [
            one for one in sent if one.request_id in stored.request_ids and not one.keys & stored.orders
        ],
    }


async def _settled(cluster: Cluster, dsn: str) -> None:
    """Wait until no node holds a transaction that is prepared, and neither committed nor undone."""
    name = dsn.rpartition("/")[2]
    async with asyncio.timeout(_SECONDS):
        for node in (await cluster.nodes())[1:]:
            while await _prepared(cluster.on(node, name), dsn):  # noqa: ASYNC110 - another process ends them
                await asyncio.sleep(0.5)


async def _prepared(worker: str, coordinator: str) -> int:
    for dsn, query in (
        (coordinator, "SELECT recover_prepared_transactions()"),
        (worker, "SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()"),
    ):
        connection = await asyncpg.connect(dsn)
        try:
            count = int(await connection.fetchval(query))
        finally:
            await connection.close()
    return count


async def _run(command: str, port: int) -> None:
    process = await asyncio.create_subprocess_exec(*shlex.split(command.format(port=port)))
    if await process.wait():
        raise click.ClickException(f"{command.format(port=port)} failed")


async def _answers(dsn: str) -> None:
    """Wait until a node takes connections again."""
    async with asyncio.timeout(_SECONDS):
        while True:
            try:
                await (await asyncpg.connect(dsn)).close()
            except (OSError, asyncpg.PostgresError):
                await asyncio.sleep(0.2)
            else:
                return


async def soak(dsn: str, down: str, up: str, kills: int) -> str:
    """Kill workers in turn under load; return what came of it. Raises ClickException for each fault."""
    cluster = Cluster(dsn)
    database = await cluster.holding("market")
    try:
        async with client_of(descriptors_of("market"), database) as client:
            await client.call("market.v1.ProductService/CreateProduct", product={"id": 1, "code": "a"})
            tenants = [{"id": n} for n in range(1, TENANTS + 1)]
            await client.call("market.v1.TenantService/BulkUpsertTenants", tenants=tenants)
            writers = Writers(client)
            tasks = [asyncio.create_task(writers.write(one)) for one in range(WRITERS)]
            _, *workers = await cluster.nodes()
            for kill in range(kills):
                await asyncio.sleep(4.0)
                node = workers[kill % len(workers)]
                await _run(down, node[1])
                await asyncio.sleep(1.0)
                await _run(up, node[1])
                await _answers(cluster.on(node, "postgres"))
            await asyncio.sleep(2.0)
            writers.over = True
            await asyncio.gather(*tasks)
        await _settled(cluster, database)
        found = faults(writers.sent, await _stored(database))
    finally:
        await cluster.drop()
    wrong = {kind: ones for kind, ones in found.items() if ones}
    if wrong:
        raise click.ClickException(
            "\n".join(f"{kind}: {len(ones)}: {ones[:3]}" for kind, ones in wrong.items())
        )
    codes = sorted({one.code for one in writers.sent})
    counted = ", ".join(f"{sum(one.code == code for one in writers.sent)} {code}" for code in codes)
    return f"{kills} kills, {len(writers.sent)} calls ({counted}): nothing lost, nothing half done"


@click.command()
@click.option("--dsn", required=True, help="A database of the coordinator's that knows its workers.")
@click.option("--down", required=True, help="Kills the worker at {port}.")
@click.option("--up", required=True, help="Starts it again.")
@click.option("--kills", default=6, show_default=True)
def main(dsn: str, down: str, up: str, kills: int) -> None:
    """Kill workers while orders are written."""
    click.echo(asyncio.run(soak(dsn, down, up, kills)))


if __name__ == "__main__":
    main()
