"""At start the connections of all gateways are compared with what PostgreSQL takes."""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from gateway.config.load import settings_of
from gateway.config.per_worker import divided
from gateway.config.settings import Settings
from gateway.db.connections.database_location import database_settings
from gateway.db.database import Database
from gateway.db.embedded import EmbeddedPostgres
from gateway.introspect import warn_of_too_many_connections
from tests.conftest import GatewayFor
from tests.db.servers import CALL, kill_server, make_database, sql
from tests.harness.client import fresh_name
from tests.harness.databases import FORGETFUL

TOLD = "all gateways together may open more connections than the database takes"
LIMITS = {"max_connections": "40", "superuser_reserved_connections": "4", "reserved_connections": "6"}


@pytest.fixture(scope="module")
def limited(data_folder: Path) -> Iterator[str]:
    """Run a PostgreSQL of 40 connections, of which 10 are reserved; give its DSN."""
    server = EmbeddedPostgres(data_folder / "limited", settings=FORGETFUL | LIMITS)
    yield server.start()
    kill_server(server)
    server.stop()


async def role_in(dsn: str, rights: str) -> str:
    """Make a role, and a database; return the DSN of both."""
    role, database = fresh_name("role"), await make_database(dsn)
    await sql(dsn, f"CREATE ROLE {role} LOGIN {rights}")
    return database.replace("//postgres@", f"//{role}@")


async def told(caplog: pytest.LogCaptureFixture, dsn: str, settings: Settings) -> Mapping[str, Any] | None:
    """Return what is told at a start by these settings; None where nothing is."""
    caplog.clear()
    database = await Database.open(database_settings(settings.database, dsn))
    try:
        with caplog.at_level(logging.WARNING):
            await warn_of_too_many_connections(database, settings, CALL)
    finally:
        await database.close()
    lines = [vars(one) for one in caplog.records if one.message == TOLD]
    assert len(lines) <= 1
    return lines[0] if lines else None


@pytest.mark.parametrize(
    ("rights", "fits", "limit"),
    [
        ("", 30, "max_connections less 10 that are reserved"),
        ("IN ROLE pg_use_reserved_connections", 36, "max_connections less 4 that are reserved"),
        ("SUPERUSER CONNECTION LIMIT 5", 40, "max_connections"),
        ("CONNECTION LIMIT 12", 12, "the role's CONNECTION LIMIT"),
    ],
    ids=["any role", "one of the reserved", "superuser", "limited"],
)
async def test_the_least_limit_is_told_and_what_just_fits_is_not(
    limited: str, rights: str, fits: int, limit: str, caplog: pytest.LogCaptureFixture
) -> None:
    dsn = await role_in(limited, rights)
    assert await told(caplog, dsn, settings_of(pool_size=fits - 1)) is None
    line = await told(caplog, dsn, settings_of(pool_size=fits))
    assert line is not None
    assert (line["connections"], line["allowed"], line["limit"]) == (fits + 1, fits, limit)


async def test_a_database_s_limit_holds_too(limited: str, caplog: pytest.LogCaptureFixture) -> None:
    dsn = await role_in(limited, "")
    await sql(limited, f"ALTER DATABASE {dsn.split('?')[0].rpartition('/')[2]} CONNECTION LIMIT 20")
    assert await told(caplog, dsn, settings_of(pool_size=9, gateways=2)) is None
    line = await told(caplog, dsn, settings_of(pool_size=10, gateways=2))
    assert line is not None
    assert (line["connections"], line["limit"]) == (22, "the database's CONNECTION LIMIT")


async def test_one_worker_tells_for_all_of_the_server(limited: str, caplog: pytest.LogCaptureFixture) -> None:
    dsn = await role_in(limited, "")
    fits = settings_of(pool_size=13, gateways=2)
    more = settings_of(pool_size=14, gateways=2)
    for place in range(2):
        assert await told(caplog, dsn, divided(fits, 2, place)) is None
    line = await told(caplog, dsn, divided(more, 2, 0))
    assert line is not None
    assert (line["pool_size"], line["connections"], line["allowed"]) == (14, 32, 30)
    assert await told(caplog, dsn, divided(more, 2, 1)) is None


async def test_who_has_a_pooler_between_asks_for_nothing(
    limited: str, caplog: pytest.LogCaptureFixture
) -> None:
    dsn = await role_in(limited, "")
    assert await told(caplog, dsn, settings_of(pool_size=1000, gateways=0)) is None


async def test_the_oldest_postgresql_that_is_supported_tells_it_too(
    debian_15: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It has no connections that are reserved for others than superusers."""
    dsn = await role_in(debian_15, "")
    names = ("max_connections", "superuser_reserved_connections")
    most, reserved = [int((await sql(debian_15, f"SHOW {name}"))[0][0]) for name in names]
    assert await told(caplog, dsn, settings_of(pool_size=most - reserved - 1)) is None
    assert await told(caplog, dsn, settings_of(pool_size=most - reserved)) is not None


async def test_a_start_tells_it(gateway_for: GatewayFor, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        await gateway_for("ledger", gateways=1000)
    assert [one for one in caplog.messages if one == TOLD] == [TOLD]
