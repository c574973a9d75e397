"""The table of the audit is made where tables ask for it, and stays, with what others add to it."""

from datetime import date
from pathlib import Path

from sqlalchemy import MetaData

from gateway.introspect.tables.model_tables import GATEWAY_TABLES
from gateway.migrate import Folder, apply, differences, revise, upgrade
from gateway.schema.tables.metadata import AUDITED, MANAGED, build_tables
from tests.harness.gateway import schema_of
from tests.migrate.database import EmptyDatabase

THERE = "SELECT to_regclass('rowgate.audit') IS NOT NULL"


def _tables(*, audited: bool = True, managed: bool = True) -> MetaData:
    metadata = build_tables(schema_of("audited")).metadata
    for table in metadata.tables.values():
        table.info[MANAGED] = managed
        if not audited:
            table.info[AUDITED] = None
    return metadata


async def _is_there(database: EmptyDatabase) -> bool:
    ((there,),) = await database.fetch(THERE)
    return bool(there)


async def test_direct_changes_make_it_when_a_table_is_audited(database: EmptyDatabase) -> None:
    await apply(_tables(audited=False), database.connect)
    assert not await _is_there(database)
    await apply(_tables(), database.connect)
    assert await _is_there(database)
    await database.run("CREATE INDEX theirs ON rowgate.audit (table_name, key)")
    assert await apply(_tables(), database.connect) == ()
    assert await apply(_tables(audited=False), database.connect) == ()
    assert await _is_there(database)
    assert await database.fetch("SELECT to_regclass('rowgate.theirs') IS NOT NULL") == [(True,)]


async def test_a_folder_makes_it_when_a_table_is_audited(database: EmptyDatabase, tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    for day, audited in ((20, False), (21, True)):
        await revise(_tables(audited=audited), database.connect, folder, "one", day=date(2026, 11, day))
        await upgrade(folder, database.connect)
        assert await _is_there(database) == audited
        assert (await differences(_tables(audited=audited), database.connect, folder)).open == ()
    assert await revise(_tables(audited=False), database.connect, folder, "no", day=date(2026, 11, 22)) == ()
    assert await _is_there(database)


async def test_it_is_made_for_tables_that_others_manage_where_that_is_asked_for(
    database: EmptyDatabase,
) -> None:
    await apply(_tables(), database.connect)
    await database.run("DROP TABLE rowgate.audit")
    theirs = _tables(managed=False)
    await apply(theirs, database.connect)
    assert not await _is_there(database)
    theirs.info[GATEWAY_TABLES] = True
    await apply(theirs, database.connect)
    assert await _is_there(database)
