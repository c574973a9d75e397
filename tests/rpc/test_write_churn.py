"""Update with allow_missing of a row that others create and delete all the while."""

import itertools
from typing import Any

import pytest

from gateway.methods.row_changes.by_key import Changes
from gateway.methods.row_changes.inserts import Inserts
from tests.conftest import GatewayFor

UPDATE = "vault.v1.CellService/UpdateCell"


@pytest.mark.parametrize("times", [1, 2, 3])
async def test_a_row_that_comes_and_goes_is_changed_at_last(
    gateway_for: GatewayFor, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """It comes behind each look for it, and goes before the next one."""
    gateway = await gateway_for("vault")
    apply, insert = Changes.apply, Inserts.insert_missing
    looks, misses = itertools.count(), itertools.count()

    async def create_behind(self: Changes, *args: Any) -> Any:
        found = await apply(self, *args)
        if next(looks) <= times:
            await gateway.sql("INSERT INTO cell VALUES ('a', 7, 1) ON CONFLICT DO NOTHING")
        return found

    async def delete_behind(self: Inserts, *args: Any) -> Any:
        stored = await insert(self, *args)
        if next(misses) < times:
            await gateway.sql("DELETE FROM cell")
        return stored

    monkeypatch.setattr(Changes, "apply", create_behind)
    monkeypatch.setattr(Inserts, "insert_missing", delete_behind)
    cell = await gateway.call(UPDATE, cell={"id": "a", "value": 1}, allow_missing=True)
    assert cell.value == 1
