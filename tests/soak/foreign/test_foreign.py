"""The soak of foreign databases, small: on one that the tests bring."""

from pathlib import Path

import pytest

from tests.harness.databases import Databases
from tests.pull.pulling import pulled, run
from tests.soak.foreign import alterations
from tests.soak.foreign.report import Report, read_report
from tests.soak.foreign.rows import fill
from tests.soak.foreign.trial import try_database

PRINTED = """\
wrote travel/public/v1/resources.proto
served: 2 tables
  public.a: b as travel.public.v1.AB
  public.flight as travel.public.v1.Flight
left out: 1 table or view
  public.hidden: the role may not read it
left out: 1 column of them
  public.flight.path: path: it has no order: none
to know of what is served:
  public.flight.at: has no zone
in all: 2 tables and 0 views served
  1 table or view left out: the role may not read it
"""


def test_a_report_is_read() -> None:
    assert read_report(PRINTED) == Report(
        frozenset({"public.a: b", "public.flight"}),
        {"public.hidden": "the role may not read it"},
        {"public.flight.path": "path: it has no order: none"},
    )


async def test_a_database_is_served_and_followed(databases: Databases, tmp_path: Path) -> None:
    """Its empty tables get rows first."""
    dsn = await databases.empty()
    await run(
        dsn,
        "CREATE TABLE city (id int PRIMARY KEY, name text NOT NULL, people int, flag bytea, founded date,"
        "  area float)",
        "CREATE TABLE lake (name text, CHECK (name ~ '^L'))",
        "CREATE VIEW town AS SELECT name, founded FROM city",
    )
    await fill(dsn)
    outcome = await try_database(dsn, tmp_path / "protos")
    assert (outcome.tables, outcome.views, outcome.served.rows) == ((2, 2), (1, 1), [5, 2, 5])
    assert outcome.altered == (
        "added City.soak_added, renamed City.flag, retyped and dropped City.people and City.area"
    )


async def test_a_pull_that_follows_by_more_is_told(databases: Databases, tmp_path: Path) -> None:
    dsn, folder = await databases.empty(), tmp_path / "protos"
    await run(dsn, "CREATE TABLE city (id int PRIMARY KEY, name text)")
    await pulled(dsn, folder, package="map")
    for number, more in enumerate(("ADD people int", "ALTER name TYPE varchar(9)")):
        sql = f"ALTER TABLE city ADD added_{number} int, {more}"
        step = alterations.Step("added", (sql,), (f"map.public.v1.City.added_{number}",))
        with pytest.raises(AssertionError, match=more.split()[1]):
            await alterations.follow(step, dsn, folder)


async def test_a_break_that_is_not_asked_about_is_told(databases: Databases, tmp_path: Path) -> None:
    dsn, folder = await databases.empty(), tmp_path / "protos"
    await run(dsn, "CREATE TABLE city (id int PRIMARY KEY, name text)")
    await pulled(dsn, folder, package="map")
    step = alterations.Step("dropped", (), ("map.public.v1.City.name",), breaks=True)
    with pytest.raises(AssertionError, match="without a flag"):
        await alterations.follow(step, dsn, folder)
