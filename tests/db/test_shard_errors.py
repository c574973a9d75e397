"""Errors that Citus passes on: of its nodes it has the SQLSTATE, the sentence and its own routine's name."""

from collections.abc import Mapping
from dataclasses import replace

import asyncpg
import pytest

from gateway.db.database_settings import DatabaseSettings
from gateway.db.driver_errors import translate
from gateway.db.pool.pool import Pool
from gateway.db.shard_errors import is_of_a_copy, is_undecided
from gateway.db.statements.commit_outcome import Mark, read_mark, settle
from gateway.errors import OutcomeUnknown

PASSED_ON = "ReportResultError"
TOLD: list[tuple[str, str, Mapping[str, str]]] = [
    (
        "23505",
        'duplicate key value violates unique constraint "event_kind_key_102024"',
        {"constraint": "event_kind_key"},
    ),
    (
        "23503",
        'insert or update on table "event_102024" violates foreign key constraint "event_page_fkey_102024"',
        {"table": "event", "constraint": "event_page_fkey"},
    ),
    (
        "23503",
        'delete on table "page_102024" violates foreign key constraint "n_fkey_102040" on table "n_102040"',
        {"table": "n", "constraint": "n_fkey"},
    ),
    (
        "23514",
        'new row for relation "event_102023" violates check constraint "event_kind_check"',
        {"table": "event", "constraint": "event_kind_check"},
    ),
    (
        "23502",
        'null value in column "title" of relation "page_102008" violates not-null constraint',
        {"table": "page", "column": "title"},
    ),
    ("22003", 'integer "out" of range', {}),
]


def _error(sqlstate: str, message: str, routine: str) -> asyncpg.PostgresError:
    fields = {"S": "ERROR", "V": "ERROR", "C": sqlstate, "M": message, "R": routine}
    error: asyncpg.PostgresError = asyncpg.PostgresError.new(fields)
    return error


@pytest.mark.parametrize(("sqlstate", "message", "names"), TOLD)
def test_names_are_the_tables_not_the_shards(sqlstate: str, message: str, names: Mapping[str, str]) -> None:
    error = translate(_error(sqlstate, message, PASSED_ON))
    assert {name: value for name, value in error.metadata.items() if name != "sqlstate"} == names
    assert "_1020" not in str(error)


def test_postgresql_tells_names_itself() -> None:
    """What it doesn't is not read of its sentence, which is in the language of the server."""
    error = translate(
        _error("23505", 'duplicate key value violates unique constraint "a_102024"', "_bt_check")
    )
    assert "constraint" not in error.metadata


@pytest.mark.parametrize(
    ("sqlstate", "routine", "undecided"),
    [
        ("08006", "ReportConnectionError", True),
        ("XX000", "ErrorIfPostCommitFailedShardPlacements", True),
        ("XX000", "ReportCopyError", False),
        ("23505", PASSED_ON, False),
    ],
)
def test_a_lost_node_may_have_committed(sqlstate: str, routine: str, *, undecided: bool) -> None:
    error = _error(sqlstate, "lost", routine)
    assert is_undecided(error) is undecided
    assert is_of_a_copy(error) is (routine == "ReportCopyError")


@pytest.mark.parametrize("xid", [None, "{aborted}"])
async def test_only_a_commit_is_believed_where_nodes_may_have_written(dsn: str, xid: str | None) -> None:
    """What a node was asked to write has no id here, and what was undone here a node may have committed."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("BEGIN")
    aborted = await connection.fetchval("SELECT pg_current_xact_id()::text")
    life = (await read_mark(connection)).life
    await connection.execute("ROLLBACK")
    await connection.close()
    pool = Pool(DatabaseSettings(dsn=dsn))
    await pool.open()
    try:
        mark = Mark(xid and xid.format(aborted=aborted), life)
        assert await settle(pool, mark) is (xid is None)
        with pytest.raises(OutcomeUnknown):
            await settle(pool, replace(mark, in_shards=True))
    finally:
        await pool.close()
