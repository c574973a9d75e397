"""Every way a database can differ is seen and said; what the database has beside the schema does no harm."""

import pytest

from gateway.introspect import SchemaMismatchError, drift, require_match
from gateway.introspect.tables.table_records import Name
from gateway.migrate import DestructiveChangeError, NotOursError, apply, differences
from gateway.migrate.locks.lock import opened
from tests.harness.databases import create_tables
from tests.migrate.database import EmptyDatabase
from tests.migrate.models import flights

# Each change of the database, and under it what is said.
REFUSED = """
ALTER TABLE flight DROP CONSTRAINT flight_origin_fkey
table public.flight: foreign key flight_origin_fkey is missing: the schema says FOREIGN KEY (origin)

ALTER TABLE flight DROP CONSTRAINT flight_origin_key
key flight_origin_key is missing: the schema says UNIQUE NULLS NOT DISTINCT (origin, delay)

ALTER TABLE flight DROP CONSTRAINT flight_pkey
table public.flight: key flight_pkey is missing: the schema says PRIMARY KEY (id)

ALTER TABLE flight DROP CONSTRAINT flight_origin_check
table public.flight: check flight_origin_check is missing

ALTER TABLE flight DROP COLUMN late
table public.flight: column late is missing: the schema says boolean

ALTER TABLE flight ALTER COLUMN late DROP EXPRESSION
column late has the generated expression none, the schema says (delay > 15)

ALTER TABLE flight ALTER COLUMN id DROP IDENTITY
table public.flight: column id has the identity none, the schema says BY DEFAULT

ALTER TABLE flight ALTER COLUMN origin TYPE text
table public.flight: column origin is text, the schema says character varying(3)

ALTER TABLE flight ALTER COLUMN origin DROP NOT NULL
table public.flight: column origin is NULL, the schema says NOT NULL

ALTER TABLE flight ALTER COLUMN delay SET NOT NULL
table public.flight: column delay is NOT NULL, the schema says NULL

ALTER TABLE flight ALTER COLUMN state SET DEFAULT 'gone'
column state has the default 'gone'::air."State", the schema says 'planned'::air."State"

ALTER TYPE air."State" RENAME VALUE 'gone' TO 'left'
enum type air.State: label gone is missing

DROP TABLE flight
table public.flight is missing

DROP TABLE rowgate.idempotency
table rowgate.idempotency is missing

DROP SCHEMA rowgate CASCADE
schema rowgate is missing

ALTER TABLE flight DROP CONSTRAINT flight_origin_check, ADD CONSTRAINT flight_origin_check CHECK (delay > 5)
table public.flight: check flight_origin_check is CHECK ((delay > 5)), the schema says CHECK ((((origin)::text
"""

SERVED = """
DROP INDEX flight_delay_idx
index flight_delay_idx is missing: the schema says USING btree (delay DESC) INCLUDE (origin) WHERE (delay > 0)

DROP INDEX flight_delay_idx; CREATE INDEX flight_delay_idx ON flight (delay)
table public.flight: index flight_delay_idx is USING btree (delay), the schema says

ALTER TABLE flight ADD COLUMN extra integer
table public.flight: column extra is in the database only: integer

ALTER TABLE flight ADD COLUMN extra integer NOT NULL DEFAULT 0
table public.flight: column extra is in the database only

ALTER TABLE flight ADD CONSTRAINT mine CHECK (delay < 9999)
table public.flight: check mine is in the database only

CREATE UNIQUE INDEX mine ON flight (origin) WHERE delay > 1000
table public.flight: index mine is in the database only: UNIQUE

ALTER TYPE air."State" ADD VALUE 'lost'
enum type air.State: label lost is in the database only

COMMENT ON TABLE flight IS 'Mine.'
table public.flight: its comment differs

COMMENT ON COLUMN flight.origin IS 'Mine.'
table public.flight: column origin comment differs
"""

UNCHANGEABLE = """
DROP TABLE flight; CREATE VIEW flight AS SELECT 1 AS id
table public.flight is a view, the schema says a table

DROP TABLE flight; CREATE MATERIALIZED VIEW flight AS SELECT 1 AS id
table public.flight is a materialized view, the schema says a table

DROP TABLE flight; CREATE SEQUENCE flight
table public.flight is a sequence, the schema says a table

CREATE TABLE later () INHERITS (flight); CREATE TABLE earlier () INHERITS (flight)
table public.flight is inherited by public.earlier, public.later: its keys aren't unique over those rows
"""

LOSING = (
    "ALTER TABLE flight ALTER COLUMN late DROP EXPRESSION",
    "ALTER TABLE flight ALTER COLUMN origin TYPE text",
    "ALTER TABLE flight DROP CONSTRAINT flight_origin_check, ADD",
)
# The check is another one afterwards, and not what Rowgate made: PostgreSQL makes it anew for a new type.
OTHERS = LOSING[1:]


def _pairs(text: str) -> list[list[str]]:
    return [pair.split("\n") for pair in text.strip().split("\n\n")]


async def _repair(database: EmptyDatabase, *, losing: bool = False, others: bool = False) -> None:
    """Migrate; afterwards it is served, and a second run has nothing to do."""
    adopted = [Name("public", "flight")] if others else []
    if others:
        with pytest.raises(NotOursError, match=r"--adopt public\.flight"):
            await apply(flights(), database.connect, allow_destructive=True)
    if losing:
        with pytest.raises(DestructiveChangeError):
            await apply(flights(), database.connect, adopted=adopted)
    await apply(flights(), database.connect, adopted=adopted, allow_destructive=losing)
    await require_match(database.connect, flights())
    assert await apply(flights(), database.connect) == ()


@pytest.mark.parametrize(("change", "said"), _pairs(REFUSED))
async def test_it_is_not_served(database: EmptyDatabase, change: str, said: str) -> None:
    await apply(flights(), database.connect)
    await database.run(change)
    with pytest.raises(SchemaMismatchError) as refused:
        await require_match(database.connect, flights())
    assert said in str(refused.value)
    assert "rowgate migrate" in str(refused.value)
    await _repair(database, losing=change.startswith(LOSING), others=change.startswith(OTHERS))


@pytest.mark.parametrize(("change", "said"), _pairs(UNCHANGEABLE))
async def test_what_no_migration_changes_is_named(database: EmptyDatabase, change: str, said: str) -> None:
    """A view was called a missing table, and a key counted as unique over the rows of children."""
    await apply(flights(), database.connect)
    await database.run(*change.split("; "))
    with pytest.raises(SchemaMismatchError) as refused:
        await require_match(database.connect, flights())
    assert said in str(refused.value)
    assert [line for line in (await differences(flights(), database.connect)).open if said in line]
    with pytest.raises(NotOursError) as not_ours:
        await apply(flights(), database.connect, allow_destructive=True)
    assert said in str(not_ours.value)
    assert "--adopt" not in str(not_ours.value)


@pytest.mark.parametrize("servers", ["15"], indirect=True, scope="session")
async def test_texts_that_a_collation_takes_for_one(database: EmptyDatabase) -> None:
    """Of two rows of one bulk upsert whose keys such a collation took for one, the second was UNCHANGED."""
    await apply(flights(), database.connect)
    await database.run(
        "CREATE COLLATION folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
        "ALTER TABLE flight ALTER COLUMN origin TYPE varchar(3) COLLATE folded",
    )
    with pytest.raises(SchemaMismatchError, match=r"column origin is character varying\(3\) COLLATE folded"):
        await require_match(database.connect, flights())


async def test_a_column_in_the_way_is_not_dropped(database: EmptyDatabase) -> None:
    """No row can be inserted beside it; but no migration made it, and so none drops it."""
    await apply(flights(), database.connect)
    await database.run("ALTER TABLE flight ADD COLUMN extra integer NOT NULL")
    said = "column extra is in the database only, NOT NULL without a default: no row can be inserted"
    with pytest.raises(SchemaMismatchError, match=said):
        await require_match(database.connect, flights())
    for adopted in ([], [Name("public", "flight")]):
        with pytest.raises(NotOursError, match=said):
            await apply(flights(), database.connect, adopted=adopted, allow_destructive=True)


@pytest.mark.parametrize(("change", "said"), _pairs(SERVED))
async def test_it_is_served(database: EmptyDatabase, change: str, said: str) -> None:
    await apply(flights(), database.connect)
    await database.run(*change.split(";"))
    found = await database.drift(flights())
    assert [str(difference) for difference in found if said in str(difference)], found
    await _repair(database)


async def test_looking_changes_nothing(database: EmptyDatabase) -> None:
    count = "SELECT count(*) FROM"
    everything = f"{count} pg_class UNION ALL {count} pg_type UNION ALL {count} pg_constraint"
    before = await database.fetch(everything)
    assert await database.drift(flights())
    assert await database.fetch(everything) == before


async def test_a_restored_dump_matches(database: EmptyDatabase) -> None:
    """PostgreSQL reads its own print of `IN` over varchar as something that it prints in another way."""
    printed = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'flight_origin_check'"
    await create_tables(database.dsn, flights())
    [(first,)] = await database.fetch(printed)
    await database.run(
        "ALTER TABLE flight DROP CONSTRAINT flight_origin_check",
        f"ALTER TABLE flight ADD CONSTRAINT flight_origin_check {first}",
    )
    assert await database.fetch(printed) != [(first,)]
    assert await database.drift(flights()) == ()


async def test_looking_needs_no_rights_to_change(database: EmptyDatabase) -> None:
    """A gateway's role need own nothing: USAGE and TEMPORARY do."""
    await apply(flights(), database.connect)
    await database.run("GRANT USAGE ON SCHEMA air, public TO pg_monitor", "DROP INDEX flight_delay_idx")
    async with opened(database.connect) as connection:
        await connection.execute("SET ROLE pg_monitor")
        [missing] = await drift(connection, flights())
    assert missing.name == "flight_delay_idx"
