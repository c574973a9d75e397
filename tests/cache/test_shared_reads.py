"""Rows that two gateways keep together: which reads they answer, and what has them forgotten."""

import asyncio
import itertools
import signal

import pytest

from tests.cache.shelf import SHELVES, Shelves
from tests.cache.store import Store
from tests.cache.test_cached_reads import CHANGES
from tests.harness.polling import next_poll


async def kept(store: Store, shelves: Shelves, shelf: int = 1) -> str:
    """Read a shelf until one more row is kept than before; return what it is called."""
    before = len(store.rows())
    async with asyncio.timeout(10):
        while len(store.rows()) == before:
            name = await shelves.name("any", shelf)
            await next_poll()
    return name


async def test_a_row_that_one_gateway_has_read_is_answered_by_the_other(
    store: Store, two: tuple[Shelves, Shelves]
) -> None:
    one, other = two
    assert await kept(store, one) == "old"
    await one.rename_unheard("unheard")
    assert [await each.name("any") for each in two] == ["old", "old"]
    assert await other.name("strong") == "unheard"
    assert await other.name("any") == "old"
    assert await other.name("any", 2) == "unheard"


async def test_a_token_is_answered_by_no_row_of_before(store: Store, two: tuple[Shelves, Shelves]) -> None:
    one, other = two
    await kept(store, one)
    await one.rename_unheard("unheard")
    _, told = await one.caller.told(f"{SHELVES}/CreateShelf", shelf={"id": 4, "name": "another"})
    assert await other.name("any") == "old"
    assert await other.name(told) == "unheard"


async def test_a_token_is_answered_by_a_shared_row_of_after(
    two: tuple[Shelves, Shelves],
) -> None:
    one, other = two
    told = await one.rename("new")
    async with asyncio.timeout(10):
        for number in itertools.count():  # once the log goes on, and the primary was heard of
            found = await one.name(told)
            await one.rename_unheard(f"again {number}")
            if await other.name(told) == found:
                break
            await next_poll()


async def test_a_bound_is_met(store: Store, two: tuple[Shelves, Shelves]) -> None:
    one, other = two
    await kept(store, one)
    await one.rename_unheard("unheard")
    while await other.name("bounded=500ms") != "unheard":
        await next_poll()


@pytest.mark.parametrize("change", CHANGES)
async def test_what_one_gateway_changes_the_other_has_forgotten(
    store: Store, two: tuple[Shelves, Shelves], change: str
) -> None:
    one, other = two
    await kept(store, one)
    await one.caller.call(f"{SHELVES}/{change.partition(' ')[0]}", **CHANGES[change])
    assert await other.name("any") == "new"


async def test_neither_keys_nor_values_are_read_there(store: Store, two: tuple[Shelves, Shelves]) -> None:
    one, _ = two
    await one.rename("a telling name")
    await kept(store, one)
    ((key, fields),) = store.rows().items()
    assert key.startswith(b"rowgate:")
    everything = b"".join([key, *fields, *fields.values()])
    assert not [word for word in (b"telling", b"shel", b"name", b"SELECT") if word in everything]


async def test_a_write_is_answered_when_others_were_told(store: Store, two: tuple[Shelves, Shelves]) -> None:
    one, other = two
    await kept(store, one)
    store.signal(signal.SIGSTOP)
    renamed = asyncio.create_task(one.rename("new"))
    async with asyncio.timeout(10):
        while await other.name("strong") != "new":  # which neither looks there nor waits for it
            await next_poll()
        for _ in range(20):
            await one.name("strong", 2)
    assert not renamed.done()
    store.signal(signal.SIGCONT)
    await renamed
    assert await other.name("any") == "new"


async def test_ways_to_read_a_row_are_shared_apart(store: Store, two: tuple[Shelves, Shelves]) -> None:
    one, other = two
    await kept(store, one)
    await one.rename_unheard("unheard")
    masked = await other.caller.call(f"{SHELVES}/GetShelf", consistency="any", id=1, read_mask="name")
    assert [masked.name, await other.name()] == ["unheard", "old"]


async def test_rows_of_which_none_is_kept_are_written_as_before(
    store: Store, two: tuple[Shelves, Shelves]
) -> None:
    one, _ = two
    await kept(store, one)
    lamp = await one.caller.call(f"{SHELVES}/CreateLamp", lamp={"id": 1})
    assert lamp.id == 1
    assert store.rows()
