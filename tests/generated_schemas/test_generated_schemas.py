"""Any right schema can be migrated and served, and every method does what the model says."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.db.embedded import EmbeddedPostgres
from tests.generated_schemas.drawing import Case, case_of
from tests.generated_schemas.kept import kept_cases
from tests.generated_schemas.served import DDL_ALONE, carry_out, emptied
from tests.harness.databases import Databases

SCHEMAS = 100


@pytest.fixture(scope="module")
def server(data_folder: Path) -> Iterator[Databases]:
    """Start a PostgreSQL for the module: it spends its time on DDL, and need not survive anything."""
    server = EmbeddedPostgres(data_folder / "generated", settings=DDL_ALONE)
    yield Databases(server.start())
    server.stop()


@pytest.fixture(scope="module")
async def dsn_15(debian_15: str) -> str:
    return await Databases(debian_15).empty()


@pytest.fixture(scope="module")
async def dsn(server: Databases) -> str:
    return await server.empty()


@pytest.mark.parametrize("version", [15, 18])
@pytest.mark.parametrize("case", kept_cases().values(), ids=kept_cases())
async def test_what_failed_once(dsn: str, dsn_15: str, transport: str, case: Case, version: int) -> None:
    server = dsn if version == 18 else dsn_15
    await emptied(server)
    await carry_out(case, server, transport)


@pytest.mark.parametrize("number", range(SCHEMAS))
async def test_each_does_what_the_model_says(dsn: str, transport: str, number: int) -> None:
    await emptied(dsn)
    await carry_out(case_of(number), dsn, transport)
