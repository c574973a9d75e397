"""Whatever way the tables of a schema are made, the comparison finds nothing to do afterwards."""

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import MetaData

from gateway.migrate import Folder, apply, differences, preview, revise, upgrade
from gateway.schema.protos.sources import compile_protos
from gateway.schema.read import read_schema
from gateway.schema.tables.metadata import build_tables
from tests.harness.databases import create_tables
from tests.migrate.database import EmptyDatabase

DAY = date(2026, 11, 20)


async def test_tables_made_directly_match(database: EmptyDatabase, metadata: MetaData) -> None:
    assert await apply(metadata, database.connect)
    assert await database.drift(metadata) == ()
    assert await apply(metadata, database.connect) == ()


async def test_tables_made_by_sqlalchemy_match(database: EmptyDatabase, metadata: MetaData) -> None:
    await create_tables(database.dsn, metadata)
    assert await database.drift(metadata) == ()
    assert await apply(metadata, database.connect) == ()


async def test_tables_made_by_a_revision_match(
    database: EmptyDatabase, metadata: MetaData, tmp_path: Path
) -> None:
    written = await revise(metadata, database.connect, Folder(tmp_path), "All of it", day=DAY)
    assert written == (tmp_path / "2026-11-20_all_of_it.py",)
    folder = Folder(tmp_path)
    assert await upgrade(folder, database.connect) == ("2026-11-20_all_of_it",)
    assert await database.drift(metadata) == ()
    assert (await differences(metadata, database.connect, folder)).open == ()
    assert await upgrade(folder, database.connect) == ()
    assert await revise(metadata, database.connect, folder, "Again", day=DAY) == ()


async def test_printed_sql_makes_the_same_catalog(database: EmptyDatabase, metadata: MetaData) -> None:
    script = await preview(metadata, database.connect)
    assert (await differences(metadata, database.connect)).open, "printing changes nothing"
    await database.run(script)
    assert await database.drift(metadata) == ()
    assert await preview(metadata, database.connect) == ""


async def test_printed_sql_of_a_folder_makes_the_same_catalog(
    database: EmptyDatabase, other_database: EmptyDatabase, metadata: MetaData, tmp_path: Path
) -> None:
    await revise(metadata, database.connect, Folder(tmp_path), "First", day=DAY)
    folder = Folder(tmp_path)
    await other_database.run(await preview(metadata, other_database.connect, folder))
    assert (await differences(metadata, other_database.connect, folder)).open == ()
    assert await upgrade(folder, other_database.connect) == (), "the script notes the revision"


@pytest.mark.parametrize("servers", ["18"], indirect=True, scope="session")  # Debian's 15 has no pgvector
async def test_the_samples_folder_makes_the_samples_tables(database: EmptyDatabase) -> None:
    """A changed proto without a revision would show here."""
    root = Path(__file__).parents[2]
    sample = build_tables(read_schema(compile_protos(root / "protos"))).metadata
    folder = Folder(root / "migrations")
    assert await upgrade(folder, database.connect)
    assert (await differences(sample, database.connect, folder)).open == ()
