"""Histories under each fault once; and gateways with a fault of their own, which the checker has to find."""

import asyncio
import itertools
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message

from gateway.db.statements import runner as statement_runner
from gateway.methods.handlers import Response
from gateway.methods.reads.get import Get
from gateway.methods.writes import expected_version
from gateway.methods.writes.batch_update import BatchUpdate
from gateway.request import etag
from gateway.request.calls.call import Call
from gateway.schema.tables.metadata import build_tables
from tests.db.proxy import Proxy, proxied
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway, schema_of, serve
from tests.harness.tools import tool
from tests.histories.__main__ import soak
from tests.histories.calling import Caller
from tests.histories.checking import PROGRAM, check
from tests.histories.cluster import SCHEMA
from tests.histories.objects import KINDS, Object
from tests.histories.rounds import work

SEED = 8
_ROUNDS = {"illegal": 20, "legal": 1}
"""In which a gateway's own fault has to be found; and those of a gateway without one."""


async def test_histories_under_faults_are_linearizable(
    data_folder: Path, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    seed = random.randrange(1 << 32)  # noqa: S311 - chance, no secret
    tell(f"histories: seed {seed}")
    tally = (await soak(data_folder / "histories", 0, seed, tmp_path, each=1)).tally
    tell(f"histories: {tally}")
    assert tally.faults() == []


def _none(_monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the gateway as it is."""


def _repeats_statements(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a write again whose answer was lost, as if it were a read."""
    judge = statement_runner._judge_alone
    monkeypatch.setattr(statement_runner, "_judge_alone", lambda error, **_: judge(error, writes=False))


def _repeats_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take a transaction whose COMMIT was not answered to be rolled back."""

    async def settle(*_: object) -> bool:
        return False

    monkeypatch.setattr(statement_runner, "settle", settle)


def _forgets_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Roll one transaction in twenty back, and answer as if it had been committed."""
    commit, numbers = statement_runner._commit, itertools.count(1)

    async def forget(connection: Any, command: str) -> Any:
        if next(numbers) % 20:
            return await commit(connection, command)
        return await connection.execute("ROLLBACK") and None

    monkeypatch.setattr(statement_runner, "_commit", forget)


def _reads_from_a_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer every other Get as the one before it."""
    get, kept = Get.__call__, dict[bytes, Response]()
    numbers = itertools.count()

    async def cached(self: Get, request: Message, call: Call) -> Response:
        key = request.SerializeToString()
        if key not in kept or next(numbers) % 2:
            kept[key] = await get(self, request, call)
        return kept[key]

    monkeypatch.setattr(Get, "__call__", cached)


def _ignores_etags(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write whatever is stored, also where the client has seen another version: its update is lost."""
    for module in (expected_version, etag):
        monkeypatch.setattr(module, "of_etag", lambda *_: None)


def _tears_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Update the rows of a batch each in a transaction of its own."""
    update = BatchUpdate.__call__

    async def torn(self: BatchUpdate, request: Any, call: Call) -> Message:
        answers = []
        for item in request.requests:
            one = type(request)()
            one.requests.append(item)
            answers.append(await update(self, one, call))
        for other in answers[1:]:
            answers[0].MergeFrom(other)
        return answers[0]

    monkeypatch.setattr(BatchUpdate, "__call__", torn)


BUGS = {
    _ignores_etags: (b"COMMIT", "illegal"),
    _tears_batches: (b"COMMIT", "illegal"),
    _repeats_statements: (b"", "illegal"),
    _repeats_transactions: (b"COMMIT", "illegal"),
    _forgets_transactions: (b"COMMIT", "illegal"),
    _reads_from_a_cache: (b"COMMIT", "illegal"),
    _none: (b"", "legal"),
}
"""At which messages to cut connections meanwhile, and what the checker has to find."""


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__.strip("_"))
async def test_a_gateway_of_broken_promises_is_found(
    bug: Callable[[pytest.MonkeyPatch], None],
    databases: Databases,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    bug(monkeypatch)
    cut_at, expected = BUGS[bug]
    dsn = await databases.copy_of(SCHEMA, build_tables(schema_of(SCHEMA)).metadata)
    found: set[str] = set()
    async with proxied(dsn) as (proxy, through):
        gateway = await serve(SCHEMA, through, transport="http", log_level="error")
        chance = random.Random(SEED)  # noqa: S311 - chance, no secret
        for number in range(_ROUNDS[expected]):
            caller = Caller([_Served(gateway)], chance)
            objects: list[Object] = [kind(f"{number}-{i}", caller) for i, kind in enumerate((*KINDS, *KINDS))]
            await work(objects, chance, _cuts(proxy, cut_at))
            verdicts = await check(tool(PROGRAM), [one.history for one in objects], tmp_path)
            found |= {one.verdict for one in verdicts}
            if "illegal" in found:
                break
        await gateway.stop()
    assert found <= {"legal", "illegal"}
    assert ("illegal" in found) == (expected == "illegal")


async def _cuts(proxy: Proxy, sent: bytes) -> None:
    """Cut connections at messages that PostgreSQL has got, and whose answers are lost."""
    for _ in range(30):
        proxy.cut_at(sent, delivered=True)
        await asyncio.sleep(0.02)
    proxy.cut_no_more()


class _Served:
    """A gateway in this process, as clients call it."""

    def __init__(self, gateway: RunningGateway) -> None:
        self._client = gateway.client

    async def call(self, method: str, fields: Mapping[str, Any], seconds: float) -> Any:
        return await self._client.call(method, fields, timeout=seconds)
