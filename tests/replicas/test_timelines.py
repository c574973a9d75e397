"""A standby that becomes the primary begins a timeline: which tokens hold on it."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import grpc
import pytest

from gateway.db.embedded import EmbeddedPostgres
from gateway.request.calls.log_position import LogPosition
from gateway.request.position_tokens import PositionTokens
from gateway.schema.tables.metadata import build_tables
from tests.db.servers import kill_server
from tests.harness.client import RpcFailed
from tests.harness.databases import FORGETFUL, Databases, fetch
from tests.harness.gateway import schema_of, serve
from tests.harness.polling import next_poll
from tests.harness.standby import standby_of
from tests.replicas.caller import Caller
from tests.replicas.conftest import SECRET, BankFor

pytestmark = pytest.mark.parametrize("transport", ["http"], scope="module")
LOST = "CONSISTENCY_TOKEN_OF_LOST_TIMELINE"


@pytest.mark.parametrize(("system", "timeline"), [(0, -1), (0, 1), (1, 0)])
async def test_tokens_of_other_timelines_and_clusters_are_refused(
    bank_for: BankFor, system: int, timeline: int
) -> None:
    gateway = await bank_for()
    caller = Caller(gateway.client)
    tokens = PositionTokens(SECRET.encode())
    told = await caller.open("a", 1)
    mine = tokens.open(told.removeprefix("at-least="))
    assert mine is not None
    other = tokens.seal(LogPosition(mine.system + system, mine.timeline + timeline, mine.lsn))
    with pytest.raises(RpcFailed) as lost:
        await caller.cents("a", f"at-least={other}")
    assert lost.value.reason == LOST
    assert await caller.cents("a", told) == 1


async def test_a_token_outlives_no_promotion(data_folder: Path, transport: str) -> None:
    """Two hosts, of which the second becomes the primary: what was told before it may be lost."""
    folder = data_folder / "promoted"
    first = EmbeddedPostgres(folder / "first", settings=FORGETFUL)
    databases = Databases(first.start())
    second, third = (standby_of(databases.dsn, folder / name) for name in ("second", "third"))
    dsns = [databases.dsn, second.start(), third.start()]
    try:
        dsn = await databases.copy_of("bank", build_tables(schema_of("bank")).metadata)
        everywhere = urlsplit(dsn)._replace(
            query="host=" + ",".join(urlsplit(one).query.removeprefix("host=") for one in dsns)
        )
        both = everywhere.geturl()
        gateway = await serve("bank", both, transport=transport, read_dsn=both, secret=SECRET)
        try:
            await _promoted(Caller(gateway.client), first, Databases(dsns[1]).url(urlsplit(dsn).path[1:]))
        finally:
            await gateway.stop()
    finally:
        for server in (third, second, first):
            server.stop()


async def _promoted(caller: Caller, first: EmbeddedPostgres, second: str) -> None:
    old = await caller.open("a", 1)
    while not await fetch(second, "SELECT FROM account"):
        await next_poll()
    await asyncio.to_thread(kill_server, first)
    await fetch(second, "SELECT pg_promote()")
    new = await _written(caller)
    assert new.startswith("at-least=")
    while await _reason(caller, old) != LOST:
        await next_poll()
    assert await caller.cents("a", new) == 2
    assert await caller.cents("a", "bounded=5s") == 2


async def _written(caller: Caller) -> str:
    """Write as soon as there is a primary again; return what the call was told."""
    while True:
        try:
            return await caller.put("a", 2)
        except RpcFailed as error:
            if error.code not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED):
                raise
            await next_poll()


async def _reason(caller: Caller, consistency: str) -> str:
    try:
        await caller.cents("a", consistency)
    except RpcFailed as error:
        return error.reason
    return ""
