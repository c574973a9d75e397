"""A caller of the shelves, who asks what one is called."""

from tests.harness.gateway import RunningGateway
from tests.replicas.caller import Caller

SHELVES = "shelves.v1.ShelfService"


class Shelves:
    """A caller of the shelves."""

    def __init__(self, gateway: RunningGateway) -> None:
        self.gateway = gateway
        self.caller = Caller(gateway.client)

    async def name(self, consistency: str = "any", shelf: int = 1) -> str:
        """Return what a shelf is called, as far as a read of some consistency tells."""
        found = await self.caller.call(f"{SHELVES}/GetShelf", consistency=consistency, id=shelf)
        return str(found.name)

    async def rename(self, name: str, shelf: int = 1) -> str:
        """Call a shelf something else; return what the call was told."""
        _, told = await self.caller.told(f"{SHELVES}/UpdateShelf", shelf={"id": shelf, "name": name})
        return told

    async def rename_unheard(self, name: str) -> None:
        """Call all shelves something else past the gateway."""
        await self.gateway.sql("UPDATE shelf SET name = $1", name)
