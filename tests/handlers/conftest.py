"""A kiosk some of whose methods are handlers: its generated code, and callers."""

import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import gateways
from tests.handlers.generated import generate
from tests.harness.callers import Caller, clients_of, write_keys
from tests.harness.client import Client, RpcFailed
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway, descriptors_of

APP = Path(__file__).parent / "app.py"
CALLERS = [Caller("ann"), Caller("bob"), Caller("kay", roles=["keeper"])]


@dataclass(frozen=True, slots=True)
class Kiosk:
    """The kiosk as tests see it.

    Args:
        gateway: serves it.
        clients: by their callers' names.
        keys: the callers' API keys.
        app: the module of the handlers.

    """

    gateway: RunningGateway
    clients: Mapping[str, Client]
    keys: Mapping[str, str]
    app: Any

    async def act(self, caller: str, what: str, name: str = "", **options: Any) -> list[str]:
        """Have a handler do something; return what it tells."""
        answer = await self.clients[caller].call("kiosk.v1.KioskService/Act", what=what, name=name, **options)
        return list(answer.told)

    async def refused(self, caller: str, method: str, request: dict[str, Any], **options: Any) -> RpcFailed:
        """Return what a call is refused with."""
        with pytest.raises(RpcFailed) as failed:
            await self.clients[caller].call(f"kiosk.v1.{method}", request, **options)
        return failed.value

    async def stock(self, sku: str = "cola") -> int:
        """Return how much of an article there is."""
        return int((await self.gateway.sql("SELECT stock FROM article WHERE sku = $1", sku))[0]["stock"])

    async def purchases(self) -> list[tuple[str, str, int]]:
        """Return what was bought, by whom."""
        rows = await self.gateway.sql("SELECT buyer, sku, count FROM purchase ORDER BY id")
        return [(row["buyer"], row["sku"], row["count"]) for row in rows]


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Generate the kiosk's code, as its author would, and have it found."""
    folder = tmp_path_factory.mktemp("generated")
    generate(descriptors_of("kiosk"), folder)
    sys.path.append(str(folder))
    yield folder
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
async def served(
    transport: str,
    databases: Databases,
    generated: Path,  # noqa: ARG001 - the handlers import it
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Kiosk]:
    """Serve the kiosk."""
    path = tmp_path_factory.mktemp("keys") / "keys.json"
    keys = write_keys(path, CALLERS)
    settings = {"auth_providers": "api_key", "auth_api_keys": path, "handlers": str(APP), "pool_size": 4}
    settings |= {"handler_max_messages": 300, "max_request_bytes": 1 << 20, "max_row_bytes": 1 << 20}
    settings["auth_schema_roles"] = "keeper"
    async with gateways(databases, transport=transport, **settings) as start:
        gateway = await start("kiosk")
        async with clients_of(gateway, "kiosk", keys) as clients:
            yield Kiosk(gateway, clients, keys, sys.modules["rowgate_handlers_app"])


@pytest.fixture
async def kiosk(served: Kiosk) -> Kiosk:
    """Return the kiosk, with ten colas and nothing sold."""
    await served.gateway.sql("TRUNCATE purchase RESTART IDENTITY CASCADE")
    await served.gateway.sql("TRUNCATE article CASCADE")
    await served.gateway.sql("TRUNCATE rowgate.audit")
    await served.gateway.sql("INSERT INTO article (sku, stock, price_cents) VALUES ('cola', 10, 150)")
    served.app.ended.clear()
    served.app.waiting.clear()
    served.app.gone.clear()
    return served
