"""Notes that callers share in part, served, with a client for each caller."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.harness.callers import Caller
from tests.harness.client import Client, RpcFailed
from tests.harness.gateway import RunningGateway

NOTES = "shared.v1.NoteService"
CALLERS = (
    Caller("ann", claims={"tenant": "acme"}),
    Caller("bob", claims={"tenant": "acme"}),
    Caller("eve", claims={"tenant": "evil"}),
    Caller("aud", roles=("auditor",), claims={"tenant": "acme"}),
    Caller("odd", claims={"tenant": 7}),
    Caller("non"),
    Caller("any", claims={"tenant": "*"}),
)
# number, tenant, owner, title, public
STORED = (
    (1, "acme", "ann", "one", False),
    (2, "acme", "ann", "two", True),
    (3, "acme", "bob", "three", False),
    (4, "evil", "eve", "four", False),
    (5, "evil", "ann", "five", True),
    (6, "acme", "ann", "kept", False),
)
READABLE = {
    "ann": {1, 2, 6},
    "bob": {2, 3},
    "eve": {4, 5},
    "aud": {1, 2, 3, 6},
    "odd": set[int](),
    "non": set[int](),
    "any": set[int](),
}


@dataclass(frozen=True, slots=True)
class Shared:
    """The served notes, and a client for each caller."""

    gateway: RunningGateway
    clients: Mapping[str, Client]

    async def call(self, name: str, method: str, **fields: Any) -> Any:
        """Call a method of the notes on behalf of a caller."""
        return await self.clients[name].call(f"{NOTES}/{method}", **fields)

    async def refused(self, name: str, method: str, **fields: Any) -> tuple[str, str]:
        """Return the code and reason of the refusal of such a call."""
        with pytest.raises(RpcFailed) as failed:
            await self.call(name, method, **fields)
        return failed.value.code.name, failed.value.reason

    async def stored(self) -> list[tuple[Any, ...]]:
        """Return what is stored."""
        rows = await self.gateway.sql("SELECT id, tenant, owner, title, text FROM note ORDER BY id")
        return [tuple(row.values()) for row in rows]

    async def steal_by_trigger(self) -> None:
        """Have a trigger give each note to eve whose text says so."""
        await self.gateway.sql(
            "CREATE FUNCTION steal() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN IF NEW.text = 'steal' THEN NEW.owner := 'eve'; END IF; RETURN NEW; END $$"
        )
        await self.gateway.sql(
            "CREATE TRIGGER steal BEFORE INSERT OR UPDATE ON note FOR EACH ROW EXECUTE FUNCTION steal()"
        )
