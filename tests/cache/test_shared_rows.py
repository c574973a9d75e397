"""Rows in a store: what is found there, and what it doesn't take."""

import asyncio
import re
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from cryptography import x509

from gateway.db.cache.row_cache import Found, Way
from gateway.db.cache.shared.access import StoreAccess
from gateway.db.cache.shared.address import store_address
from gateway.db.cache.shared.connection import StoreConnection, StoreLost
from gateway.db.cache.shared.link import StoreLink
from gateway.db.cache.shared.sealed_rows import RowSeal
from gateway.db.cache.shared.shared_rows import SharedRows
from gateway.db.cache.shared.told_changes import ToldChanges
from gateway.request.calls.log_position import LogPosition
from gateway.sql.statement import Statement
from tests.cache.store import Store, a_store
from tests.harness.certificates import Certificate
from tests.harness.polling import next_poll
from tests.harness.sample import ROOT, free_port

STATEMENT = Statement("SELECT", ("id",), (), writes=False, name="get", constants={})
SECRET = b"the secret of these rows"
ROW = ("a name", 7)
Change = Callable[[Store, SharedRows], Any]


def way(row: int = 1, table: str = "public.shelf", text: str = "SELECT") -> Way:
    return Way(table, (row,), (text, ()))


def at(lsn: int, timeline: int = 1) -> LogPosition:
    return LogPosition(1, timeline, lsn)


def read(position: LogPosition | None = None, seconds: float = 60) -> Found:
    """Return a row that was read just now."""
    return Found(ROW, position or at(5), 0.0, monotonic() + seconds)


@asynccontextmanager
async def rows_in(
    store: Store,
    *,
    secret: bytes = SECRET,
    database: bytes = b"1/5/",
    seconds: float = 60,
    connect: Callable[[], Awaitable[StoreConnection]] | None = None,
    timeout: float = 10,  # noqa: ASYNC109 - the store's
    up: bool = True,
    told: ToldChanges | None = None,
) -> AsyncIterator[SharedRows]:
    """Give the rows in a store, once it answers."""
    connect = connect or partial(StoreConnection.open, store_address(store.url), None)
    name, of_tables = f"127.0.0.1:{store.port}", {"public.shelf": seconds, "public.tome": seconds}
    make_seal = partial(RowSeal, secret, database, prefix="t")
    rows = SharedRows(StoreAccess(name, connect, make_seal), timeout, of_tables, told or ToldChanges())
    rows.link.start()
    try:
        if up:
            await until_up(rows)
        yield rows
    finally:
        await rows.link.stop()


async def until_up(rows: SharedRows) -> None:
    """Wait until the store answers."""
    async with asyncio.timeout(20):
        while rows.link.connection is None:
            await next_poll()


async def fill(rows: SharedRows, where: Way) -> None:
    """Look for a row, and keep it."""
    sought = await rows.find(where, STATEMENT)
    assert sought is not None
    await done(rows.fill(sought, read(), of_replica=False))


async def done(told: "asyncio.Future[Any] | None") -> Any:
    """Return what the store answers, which has to."""
    assert told is not None
    return await told


async def found(rows: SharedRows, where: Way) -> Found | None:
    sought = await rows.find(where, STATEMENT)
    return None if sought is None else sought.found


@pytest.fixture
async def rows(store: Store) -> AsyncIterator[SharedRows]:
    """Give the rows of a store."""
    async with rows_in(store) as rows:
        yield rows


async def test_what_one_process_keeps_another_finds(store: Store, rows: SharedRows) -> None:
    await fill(rows, way())
    async with rows_in(store) as others:
        kept = await found(others, way())
        assert kept is not None
        assert (kept.row, kept.position) == (ROW, at(5))
        assert await found(others, way(2)) is None
        assert await found(others, way(table="public.tome")) is None
        assert await found(others, way(text="SELECT less")) is None


@pytest.mark.parametrize("own", [{"secret": b"another secret of rows"}, {"database": b"1/6/"}])
async def test_nothing_is_found_of_another_database_or_secret(
    store: Store, rows: SharedRows, own: dict[str, bytes]
) -> None:
    await fill(rows, way())
    async with rows_in(store, **own) as others:
        assert await found(others, way()) is None
        await done(others.all_changed("public.shelf", None))
    assert await found(rows, way()) is not None


CHANGES: dict[str, Change] = {
    "row": lambda _, rows: rows.changed("public.shelf", (1,), at(9)),
    "table": lambda _, rows: rows.all_changed("public.shelf", at(9)),
    "unknown position": lambda _, rows: rows.changed("public.shelf", (1,), None),
    "flushed": lambda store, _: store.ask("FLUSHALL"),
    "row evicted": lambda store, _: [
        store.ask("DEL", key) for key in store.ask("KEYS", "*") if store.ask("HLEN", key) > 1
    ],
    "table evicted": lambda store, _: [
        store.ask("DEL", key) for key in store.ask("KEYS", "*") if store.ask("HLEN", key) == 1
    ],
}


async def _changed(change: str, store: Store, rows: SharedRows) -> None:
    told = CHANGES[change](store, rows)
    if isinstance(told, asyncio.Future):
        await told


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("change", CHANGES)
async def test_what_was_read_before_a_change_is_not_kept_after_it(
    store: Store,
    rows: SharedRows,
    change: str,
    again: bool,  # noqa: FBT001 - a parameter
) -> None:
    """Nor where the store forgets what was changed, though somebody looks for the row again meanwhile."""
    sought = await rows.find(way(), STATEMENT)
    assert sought is not None
    await _changed(change, store, rows)
    if again:
        await rows.find(way(), STATEMENT)
    assert await done(rows.fill(sought, read(), of_replica=False)) == 0
    assert await found(rows, way()) is None
    assert (rows.counts.filled, rows.counts.refused) == (0, 1)


@pytest.mark.parametrize("change", CHANGES)
async def test_what_is_kept_is_forgotten_by_a_change(store: Store, rows: SharedRows, change: str) -> None:
    await fill(rows, way())
    assert await found(rows, way()) is not None
    await _changed(change, store, rows)
    assert await found(rows, way()) is None


@pytest.mark.parametrize("table", [False, True])
@pytest.mark.parametrize(
    ("position", "kept"), [(at(8), False), (at(9), True), (at(100), True), (at(1, timeline=2), True)]
)
async def test_a_replica_s_row_is_only_kept_with_the_changes_that_were_told(
    rows: SharedRows,
    position: LogPosition,
    kept: bool,  # noqa: FBT001 - a parameter
    table: bool,  # noqa: FBT001 - a parameter
) -> None:
    for one in (at(9), at(7)):
        told = rows.all_changed("public.shelf", one) if table else rows.changed("public.shelf", (1,), one)
        await done(told)
    sought = await rows.find(way(), STATEMENT)
    assert sought is not None
    assert await done(rows.fill(sought, read(position), of_replica=True)) == kept


def swap(store: Store) -> None:
    """Give each row another's fields' values."""
    kept = [(key, name, value) for key, fields in store.rows().items() for name, value in fields.items()]
    for (key, name, _), (_, _, value) in zip(kept, (*kept[1:], kept[0]), strict=True):
        store.ask("HSET", key, name, value)


def each(store: Store, change: Callable[[bytes], bytes]) -> None:
    """Change each value."""
    for key, fields in store.rows().items():
        for name, value in fields.items():
            store.ask("HSET", key, name, change(value))


FORGERIES: dict[str, Callable[[Store], None]] = {
    "swapped": swap,
    "emptied": lambda store: each(store, lambda _: b""),
    "cut": lambda store: each(store, lambda value: value[:11]),
    "cut at its end": lambda store: each(store, lambda value: value[:-1]),
    "altered": lambda store: each(store, lambda value: value[:-20] + bytes([value[-20] ^ 1]) + value[-19:]),
}


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_what_others_write_there_is_not_answered(store: Store, rows: SharedRows, forgery: str) -> None:
    places = (way(1), way(1, text="SELECT less"), way(2))
    for where in places:
        await fill(rows, where)
        assert await found(rows, where) is not None
    FORGERIES[forgery](store)
    for where in places:
        assert await found(rows, where) is None


async def test_a_row_s_time_ends_though_the_store_keeps_it(store: Store) -> None:
    async with rows_in(store, seconds=60) as rows:
        sought = await rows.find(way(), STATEMENT)
        assert sought is not None
        assert await done(rows.fill(sought, read(seconds=0.5), of_replica=False)) == 1
        for key in store.ask("KEYS", "*"):
            store.ask("PERSIST", key)
        async with asyncio.timeout(10):
            while await found(rows, way()):
                await next_poll()
        assert store.rows()


async def test_every_key_expires(store: Store, rows: SharedRows) -> None:
    await fill(rows, way())
    await done(rows.changed("public.shelf", (2,), at(1)))
    await done(rows.all_changed("public.tome", at(1)))
    keys = store.ask("KEYS", "*")
    assert len(keys) == 4
    assert all(store.ask("PTTL", key) > 0 for key in keys)


async def test_a_dump_brings_nothing_back(store: Store, rows: SharedRows) -> None:
    await fill(rows, way())
    store.ask("SAVE")
    await done(rows.changed("public.shelf", (1,), at(9)))
    store.end()
    store.start()
    assert store.rows()
    async with asyncio.timeout(20):
        while await rows.find(way(), STATEMENT) is None:
            await next_poll()
    assert await found(rows, way()) is None


@pytest.mark.parametrize("known", [False, True])
async def test_what_could_not_be_told_is_told_first_of_all(
    store: Store,
    rows: SharedRows,
    known: bool,  # noqa: FBT001 - a parameter: whether that it is cut off is known when it writes
) -> None:
    """A gateway is cut off from the store, and writes: others read there meanwhile, and know it later."""
    is_cut = False

    async def connect() -> StoreConnection:
        if is_cut:
            raise StoreLost("cut off")
        return await StoreConnection.open(store_address(store.url), None)

    await fill(rows, way())
    async with rows_in(store, connect=connect) as cut_off:
        is_cut = True
        assert cut_off.link.connection is not None
        cut_off.link.connection.close()
        while known and await cut_off.find(way(), STATEMENT) is not None:
            await next_poll()
        told = cut_off.changed("public.shelf", (1,), at(9))
        assert told is None or await told is None
        assert await cut_off.find(way(), STATEMENT) is None
        assert await found(rows, way()) is not None
        is_cut = False
        await until_up(cut_off)
        assert await found(rows, way()) is None


async def test_a_full_store_forgets_and_keeps_nothing(store: Store, rows: SharedRows) -> None:
    await fill(rows, way())
    sought = await rows.find(way(3), STATEMENT)
    assert sought is not None
    store.ask("CONFIG", "SET", "maxmemory", "1")
    assert await found(rows, way()) is not None
    assert await rows.find(way(2), STATEMENT) is None
    assert await done(rows.fill(sought, read(), of_replica=False)) == 0
    assert await done(rows.changed("public.shelf", (1,), at(9))) == 1
    assert not store.rows()
    assert rows.link.failures == 0


async def test_who_leaves_leaves_no_answer_to_others(store: Store, rows: SharedRows) -> None:
    await fill(rows, way(1))
    store.signal(signal.SIGSTOP)
    left = [asyncio.create_task(rows.find(way(1), STATEMENT)) for _ in range(5)]
    stays = asyncio.create_task(rows.find(way(2), STATEMENT))
    await asyncio.wait([stays], timeout=0.05)
    for one in left:
        one.cancel()
    store.signal(signal.SIGCONT)
    sought = await stays
    assert sought is not None
    assert sought.found is None
    assert await found(rows, way(1)) is not None
    assert await found(rows, way(2)) is None
    assert rows.link.failures == 0


@pytest.mark.parametrize("how", [signal.SIGSTOP, signal.SIGKILL])
async def test_a_store_that_does_not_answer_is_waited_for_once(store: Store, how: signal.Signals) -> None:
    async with rows_in(store, timeout=0.2) as rows:
        await fill(rows, way())
        store.signal(how)
        assert await asyncio.gather(*(rows.find(way(one), STATEMENT) for one in range(100))) == [None] * 100
        assert (rows.link.failures, rows.link.connection) == (1, None)
        with pytest.raises(StopIteration):  # nothing is waited for
            rows.find(way(), STATEMENT).send(None)
        store.end()
        store.start()
        await until_up(rows)
        await fill(rows, way())
        assert await found(rows, way()) is not None


async def test_a_store_that_restarts_is_found_again_without_an_error(store: Store, rows: SharedRows) -> None:
    store.end()
    store.start()
    async with asyncio.timeout(20):
        while await found(rows, way()) is None:
            if await rows.find(way(), STATEMENT) is not None:
                await fill(rows, way())
            await next_poll()


REFUSALS: dict[str, tuple[dict[str, str], str]] = {
    "no password": ({"requirepass": "secret"}, "NOAUTH"),
    "a replica": ({"replicaof": "127.0.0.1 1"}, "it is a replica"),
    "a cluster": ({"cluster-enabled": "yes"}, "it is a cluster"),
    "no run_id": ({"rename-command": "INFO ABOUT"}, "ERR unknown command"),
}


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_a_store_that_can_not_be_used_is_none_and_the_log_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, refusal: str
) -> None:
    options, why = REFUSALS[refusal]
    with a_store(tmp_path, **options) as store:
        async with rows_in(store, up=False) as rows, asyncio.timeout(20):
            while not rows.link.failures:
                await next_poll()
            assert await rows.find(way(), STATEMENT) is None
            assert rows.changed("public.shelf", (1,), at(9)) is None
    assert why in str(caplog.records[0].__dict__["error"])
    assert caplog.records[0].__dict__["cache"] == f"127.0.0.1:{store.port}"


async def test_a_password_and_a_number_are_told(tmp_path: Path) -> None:
    with a_store(tmp_path, requirepass="sec/ret") as store:
        url = f"redis://:sec%2Fret@127.0.0.1:{store.port}/3"
        connect = partial(StoreConnection.open, store_address(url), None)
        async with rows_in(store, connect=connect) as rows:
            await fill(rows, way())
            assert await found(rows, way()) is not None


async def test_a_user_needs_no_more_than_is_documented(store: Store) -> None:
    page = (ROOT / "docs" / "cache.md").read_text()
    rights = re.findall(
        r"`(~rowgate:\* &rowgate:\*)` and `(\+evalsha [^`]*)`, with `([^`]*)` for", page, re.DOTALL
    )
    given = " ".join(rights[0]).replace("rowgate:", "t:").split()
    store.ask("ACL", "SETUSER", "gateway", "on", ">word", "resetchannels", *given)
    url = f"redis://gateway:word@127.0.0.1:{store.port}/1"
    async with rows_in(store, connect=partial(StoreConnection.open, store_address(url), None)) as rows:
        await fill(rows, way())
        await done(rows.changed("public.shelf", (1,), at(9)))
        await done(rows.all_changed("public.shelf", at(9)))
        await fill(rows, way())
        assert await found(rows, way()) is not None
        assert rows.link.failures == 0


@pytest.mark.parametrize("named", ["127.0.0.1", "another.example"])
async def test_tls_is_of_the_host_that_was_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, named: str
) -> None:
    signer = Certificate(tmp_path, "signer")
    names = () if named == "127.0.0.1" else [x509.DNSName(named)]
    own = Certificate(tmp_path, "own", signer, names=names)
    files = {
        "tls-cert-file": own.cert_path,
        "tls-key-file": own.key_path,
        "tls-ca-cert-file": signer.cert_path,
    }
    options = {"tls-auth-clients": "no", **{key: str(path) for key, path in files.items()}}
    with a_store(tmp_path, **options, **{"tls-port": str(tls_port := free_port())}) as store:
        address = store_address(f"rediss://127.0.0.1:{tls_port}")
        connect = partial(StoreConnection.open, address, signer.cert_path)
        async with rows_in(store, connect=connect, up=False) as rows, asyncio.timeout(20):
            while not (rows.link.failures or rows.link.connection):
                await next_poll()
            assert (rows.link.connection is not None) is (named == "127.0.0.1")
    assert ("certificate verify failed" in str([vars(one) for one in caplog.records])) is (
        named != "127.0.0.1"
    )


async def test_a_late_event_loop_is_not_the_store_s_fault(store: Store) -> None:
    async with rows_in(store, timeout=0.4) as rows:
        await fill(rows, way())
        store.signal(signal.SIGSTOP)
        asked = asyncio.create_task(rows.find(way(), STATEMENT))
        for _ in range(5):
            await asyncio.sleep(0)
        store.signal(signal.SIGCONT)
        time.sleep(0.5)  # noqa: ASYNC251 - what is tested: nothing else goes on meanwhile
        sought = await asked
        assert sought is not None
        assert sought.found is not None
        assert rows.link.failures == 0


async def test_what_is_no_store_is_asked_again_and_again() -> None:
    """Servers that say something else."""
    answers = [b":1\r\n" * 3, b"HTTP/1.1 400 Bad Request\r\n\r\n", b"*1\r\n", b"$-1\r\n" * 3, b"*-3\r\n"]
    said = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal said
        await reader.read(100)
        writer.write(answers[said % len(answers)])
        writer.close()
        said += 1

    async with await asyncio.start_server(answer, "127.0.0.1", port := free_port()):
        link = StoreLink(
            "odd",
            partial(StoreConnection.open, store_address(f"redis://127.0.0.1:{port}"), None),
            1,
            _nothing,
        )
        link.start()
        async with asyncio.timeout(60):
            while link.failures <= len(answers):
                await next_poll()
        await link.stop()


async def _nothing(_: StoreConnection) -> None:
    pass
