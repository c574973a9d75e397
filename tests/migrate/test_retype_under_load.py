"""The soak of migrations, small: gateways of the old protos and of the new ones, at a table that changes."""

from pathlib import Path

import pytest

from tests.migrate.database import EmptyDatabase
from tests.soak.migrations import STAGES, Soak

pytestmark = [
    pytest.mark.parametrize("servers", ["18"], indirect=True, scope="session"),
    pytest.mark.alone,
]


async def test_no_call_fails_but_by_a_dropped_field(database: EmptyDatabase, tmp_path: Path) -> None:
    soak = Soak(database.dsn, tmp_path, rows=3_000, padding=400, calls=20)
    outcomes = [outcome async for outcome in soak.run()]
    assert [outcome.stage for outcome in outcomes] == list(STAGES)
    assert [outcome.failures for outcome in outcomes] == [{}] * len(STAGES)
    assert [outcome.stage.name for outcome in outcomes if not outcome.held] == []
    assert [outcome.stage.name for outcome in outcomes if outcome.old.pardoned] == ["drop"]
    statements = {outcome.stage.name: outcome.statements for outcome in outcomes}
    assert statements["rename"] == 0
    assert statements["retype"] > 1, "not at once"
