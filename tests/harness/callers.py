"""Callers with API keys, each with a client of its own."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.auth.api_key_file import changed_keys, new_key
from tests.harness.client import Client
from tests.harness.gateway import RunningGateway, descriptors_of


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: an API key's name, with its rights."""

    name: str
    roles: Sequence[str] = ()
    claims: Mapping[str, Any] | None = None


def write_keys(path: Path, callers: Sequence[Caller]) -> Mapping[str, str]:
    """Write a file of API keys; return the keys by their callers' names."""
    made = {one.name: new_key(one.name, one.roles, one.claims or {}, None) for one in callers}
    with changed_keys(path) as keys:
        keys |= {name: kept for name, (_, kept) in made.items()}
    return {name: key for name, (key, _) in made.items()}


@asynccontextmanager
async def clients_of(
    gateway: RunningGateway, schema: str, keys: Mapping[str, str]
) -> AsyncIterator[Mapping[str, Client]]:
    """Give a client for each key, by its caller's name."""
    clients = {
        name: Client(gateway.target, descriptors_of(schema), authorization=f"Bearer {key}")
        for name, key in keys.items()
    }
    try:
        yield clients
    finally:
        for client in clients.values():
            await client.close()
