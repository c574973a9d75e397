"""Connections to a cluster ask for types without a look at each of its tables."""

import pytest

from gateway.db.database_settings import DatabaseSettings
from gateway.request.calls.call import Call
from gateway.sql.statement import Statement
from tests.citus.cluster import Cluster
from tests.harness.databases import opening

_NAME = "citus.override_table_visibility"
_SHOWN = Statement(f"SHOW {_NAME}", (), (), writes=False, name="test", constants={})


def test_other_databases_are_told_nothing() -> None:
    assert _NAME not in DatabaseSettings().server_settings()
    assert DatabaseSettings(in_shards=True).server_settings()[_NAME] == "off"


@pytest.mark.citus
async def test_the_cluster_knows_the_setting(cluster: Cluster) -> None:
    dsn = await cluster.database()
    async with opening() as open_database:
        for in_shards, shown in ((False, "on"), (True, "off")):
            database = await open_database(dsn, in_shards=in_shards)
            assert [tuple(row) for row in await database.fetch(_SHOWN, (), Call("test"))] == [(shown,)]
