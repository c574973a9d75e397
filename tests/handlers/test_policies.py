"""Calls that handlers and hooks pass on: the oracle of policies judges them as it does calls without."""

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.handlers.generated import generate, within
from tests.harness.databases import Databases
from tests.harness.gateway import descriptors_of
from tests.row_policies.rounds import Round, Tally
from tests.row_policies.served import Served, serving
from tests.row_policies.tables import SETTINGS, TABLES

CASES = 45
PASSING = Path(__file__).parent / "passing.py"


@pytest.fixture(scope="module")
async def passed_on(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory, transport: str
) -> AsyncIterator[list[Served]]:
    """Serve the oracle's schemas by handlers and hooks that pass calls on."""
    folder = tmp_path_factory.mktemp("passing")
    async with AsyncExitStack() as stack:
        patched = stack.enter_context(pytest.MonkeyPatch.context())
        patched.syspath_prepend(folder)
        served = []
        for schema in TABLES:
            package = f"passed_{schema}"
            generate(within(descriptors_of(schema), package), folder)
            app = shutil.copy(PASSING, folder / package / PASSING.name)
            patched.setitem(SETTINGS, schema, {**SETTINGS.get(schema, {}), "handlers": str(app)})
            serving_it = serving(databases, folder / package, [schema], [transport])
            served += (await stack.enter_async_context(serving_it)).values()
        yield served


async def test_calls_that_are_passed_on_are_judged_alike(
    passed_on: list[Served], tell: Callable[[str], None]
) -> None:
    tally = Tally()
    for number in range(CASES):
        await Round(number, passed_on[number % len(passed_on)], tally).run()
    tell(f"policies through handlers: {tally}")
    assert not tally.faults, "\n\n".join(tally.faults)
