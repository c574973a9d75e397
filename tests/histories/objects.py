"""Objects whose histories are recorded, each small: the checker looks at many orders of what overlaps."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from tests.histories.calling import Answered, Caller, Open, Refused
from tests.histories.recorded import History

CELLS = "vault.v1.CellService"
MEMBERS = "vault.v1.MemberService"
OPERATIONS = 50
"""Of one object; beyond them it is only read once more, at the end."""
_OPEN = 8
"""Outcomes that may be open: each can take effect at any later time, and doubles what has to be looked at."""
_FINAL_TRIES = 6
_FINAL_PAUSE = 0.5
_LAST_CLIENT = 9
"""Works alone, after all others."""


class Object:
    """An object that several clients work on at once.

    Args:
        name: unlike all others', and the beginning of its keys.
        caller: what its clients call by.

    """

    model = "rows"

    def __init__(self, name: str, caller: Caller) -> None:
        self.history = History(name, self.model)
        self._caller = caller
        self._chance = caller.chance
        self._numbers = itertools.count(1)

    @property
    def finished(self) -> bool:
        """Whether its history is as long as it may be."""
        return len(self.history.operations) >= OPERATIONS or self.history.open >= _OPEN

    async def step(self, client: int) -> None:
        """Do something, as one of its clients."""
        raise NotImplementedError

    async def read(self, client: int) -> bool:
        """Read all of it; return whether that succeeded."""
        raise NotImplementedError

    async def write(self, client: int) -> bool:
        """Write it whatever it holds; return whether that succeeded."""
        raise NotImplementedError

    async def is_alive(self) -> bool:
        """Return whether it can be written and read, when the faults are over; both are recorded."""
        return await self._in_the_end(self.write) and await self._in_the_end(self.read)

    async def _in_the_end(self, deed: Callable[[int], Awaitable[bool]]) -> bool:
        for _ in range(_FINAL_TRIES):
            if await deed(_LAST_CLIENT):
                return True
            await asyncio.sleep(_FINAL_PAUSE)
        return False

    async def _read(
        self,
        client: int,
        input_: Mapping[str, Any],
        method: str,
        fields: Mapping[str, Any],
        told: Callable[[Any], Any],
    ) -> Any:
        """Record a call that reads; return its response, None where it failed."""
        operation = self.history.begin(client, {"kind": "read", **input_})
        end = await self._caller.call(method, fields)
        if isinstance(end, Answered):
            self.history.end(operation, told(end.message))
            return end.message
        if isinstance(end, Refused):
            self.history.end(operation, told(None))
        else:
            self.history.forget(operation)
        return None

    async def _write(
        self,
        client: int,
        input_: Mapping[str, Any],
        method: str,
        fields: Mapping[str, Any],
        told: Callable[[Any], Any] = lambda _: {},
    ) -> Any:
        """Record a call that writes, or several of one request_id; return its response, None without one."""
        call = self._caller.repeat if self._chance.random() < 0.5 else self._caller.call
        operation = self.history.begin(client, input_)
        end = await call(method, fields)
        if isinstance(end, Answered):
            self.history.end(operation, told(end.message))
            return end.message
        if isinstance(end, Refused):
            self.history.end(operation, {"refused": end.code})
        elif not isinstance(end, Open):
            self.history.forget(operation)
        return None


def _row(cell: Any) -> Mapping[str, Any]:
    return {"key": cell.id, "value": cell.value, "version": cell.version}


class _Rows(Object):
    """Some rows of one table."""

    def __init__(self, name: str, caller: Caller, keys: Sequence[str]) -> None:
        super().__init__(name, caller)
        self._keys = [f"{name}/{key}" for key in keys]
        self._seen: dict[str, Any] = {}

    async def read(self, client: int) -> bool:
        """Read all rows by one call."""

        def told(message: Any) -> Any:
            found = {cell.id: _row(cell) for cell in message.cells}
            absent = {"value": 0, "version": 0}
            return {"rows": [found.get(key, {"key": key, **absent}) for key in self._keys]}

        method = f"{CELLS}/BatchGetCells"
        message = await self._read(client, {"keys": self._keys}, method, {"ids": self._keys}, told)
        if message is not None and message.cells:  # an early read may be answered late
            self._seen = {cell.id: cell for cell in message.cells}
        return message is not None

    async def write(self, client: int) -> bool:
        """Write all rows by one call."""
        return await self._store(client, dict.fromkeys(self._keys, 100))

    async def _change(self, client: int, method: str, fields: Mapping[str, Any], **wanted: Any) -> None:
        """Write one row by a method that answers with it."""
        cell = fields["cell"]
        input_ = {"kind": "write", "writes": [{"key": cell["id"], "value": cell["value"], **wanted}]}
        told = await self._write(
            client, input_, f"{CELLS}/{method}", fields, lambda row: {"rows": [_row(row)]}
        )
        if told is not None:
            self._seen[told.id] = told

    async def _store(self, client: int, values: Mapping[str, int]) -> bool:
        """Write rows whatever was there; return whether that succeeded."""
        writes = [{"key": key, "value": value, "merges": True} for key, value in values.items()]
        input_ = {"kind": "write", "writes": writes}
        cells = [{"id": key, "value": value} for key, value in values.items()]
        method = f"{CELLS}/BulkUpsertCells"
        return await self._write(client, input_, method, {"cells": cells}) is not None


class Register(_Rows):
    """A row that is written, created, deleted, and changed where it is as it was read."""

    def __init__(self, name: str, caller: Caller) -> None:
        super().__init__(name, caller, ["row"])

    async def step(self, client: int) -> None:
        """Read or write it."""
        deeds = (self._get, self._put, self._swap, self._bulk, self._create, self._delete)
        (deed,) = self._chance.choices(deeds, (6, 3, 4, 2, 2, 1))
        await deed(client, self._keys[0])

    async def _get(self, client: int, key: str) -> None:
        absent = {"rows": [{"key": key, "value": 0, "version": 0}]}
        input_, method = {"keys": [key]}, f"{CELLS}/GetCell"
        cell = await self._read(
            client, input_, method, {"id": key}, lambda cell: {"rows": [_row(cell)]} if cell else absent
        )
        if cell is not None:
            self._seen[key] = cell

    async def _put(self, client: int, key: str) -> None:
        cell = {"id": key, "value": next(self._numbers)}
        await self._change(client, "UpdateCell", {"cell": cell, "allow_missing": True})

    async def _swap(self, client: int, key: str) -> None:
        seen = self._seen.get(key)
        if seen is None:
            return await self._get(client, key)
        cell = {"id": key, "value": next(self._numbers)}
        return await self._change(
            client, "UpdateCell", {"cell": cell, "etag": seen.etag}, version=seen.version
        )

    async def _bulk(self, client: int, key: str) -> None:
        await self._store(client, {key: next(self._numbers)})

    async def _create(self, client: int, key: str) -> None:
        cell = {"id": key, "value": next(self._numbers)}
        await self._change(client, "CreateCell", {"cell": cell}, absent=True)

    async def _delete(self, client: int, key: str) -> None:
        input_ = {"kind": "delete", "writes": [{"key": key, "value": 0, "present": True}]}
        await self._write(client, input_, f"{CELLS}/DeleteCell", {"id": key})


class Counter(_Rows):
    """A row that counts its changes: each write tells how many there were."""

    def __init__(self, name: str, caller: Caller) -> None:
        super().__init__(name, caller, ["count"])

    async def step(self, client: int) -> None:
        """Count one further, or read."""
        if self._chance.random() < 0.3:
            await self.read(client)
        else:
            cell = {"id": self._keys[0], "value": next(self._numbers)}
            await self._change(client, "UpdateCell", {"cell": cell, "allow_missing": True})


class Bank(_Rows):
    """Accounts, between which money moves: what all hold together never changes."""

    def __init__(self, name: str, caller: Caller) -> None:
        super().__init__(name, caller, ["a", "b", "c"])

    async def step(self, client: int) -> None:
        """Read all accounts, or move money from one to another."""
        if not self._seen or self._chance.random() < 0.4:
            await self.read(client)
        if self._seen:
            await self._transfer(client)
        else:
            await self._store(client, dict.fromkeys(self._keys, 100))

    async def _transfer(self, client: int) -> None:
        one, other = self._chance.sample(self._keys, 2)
        amount = self._chance.randrange(1, 50)
        moved = [(self._seen[one], -amount), (self._seen[other], amount)]
        requests = [
            {
                "cell": {"id": seen.id, "value": seen.value + change},
                "etag": seen.etag,
                "update_mask": "value",  # an account that is emptied, too
            }
            for seen, change in moved
        ]
        writes = [
            {"key": seen.id, "value": seen.value + change, "version": seen.version} for seen, change in moved
        ]
        told = await self._write(
            *(
                client,
                {"kind": "write", "writes": writes},
                f"{CELLS}/BatchUpdateCells",
                {"requests": requests},
            ),
            lambda message: {"rows": [_row(cell) for cell in message.cells]},
        )
        if told is None:
            await self.read(client)
        else:
            self._seen |= {cell.id: cell for cell in told.cells}


class Members(Object):
    """A set: each add makes a row with a key of the database's, so that what is done twice shows."""

    model = "set"

    def __init__(self, name: str, caller: Caller) -> None:
        super().__init__(name, caller)
        self._ids: dict[str, str] = {}

    async def step(self, client: int) -> None:
        """Add an element, remove one that was there, or read."""
        deed = self._chance.random()
        if deed < 0.3:
            await self.read(client)
        elif deed < 0.5 and self._ids:
            await self._remove(client)
        else:
            await self.write(client)

    async def read(self, client: int) -> bool:
        """Read all elements."""

        def told(message: Any) -> Any:
            return {"elements": [member.element for member in message.members]}

        fields = {"set_id": self.history.name, "page_size": 1000}
        message = await self._read(client, {}, f"{MEMBERS}/ListMembers", fields, told)
        return message is not None

    async def write(self, client: int) -> bool:
        """Add an element."""
        element = str(next(self._numbers))
        fields = {"member": {"set_id": self.history.name, "element": element}}
        input_ = {"kind": "add", "element": element}
        told = await self._write(client, input_, f"{MEMBERS}/CreateMember", fields)
        if told is not None:
            self._ids[element] = told.id
        return told is not None

    async def _remove(self, client: int) -> None:
        element, row = self._chance.choice(list(self._ids.items()))
        input_ = {"kind": "remove", "element": element}
        if await self._write(client, input_, f"{MEMBERS}/DeleteMember", {"id": row}) is not None:
            self._ids.pop(element, None)


KINDS: Sequence[type[Register | Counter | Bank | Members]] = (Register, Counter, Bank, Members)
"""All of them."""
