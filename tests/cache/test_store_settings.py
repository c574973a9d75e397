"""Settings of the store: what is refused, and what is told of them."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.config.errors import ConfigError
from gateway.config.load import settings_of
from gateway.db.cache.shared.address import StoreAddress, store_address
from gateway.schema.tables.metadata import build_tables
from tests.cache.conftest import SECRET
from tests.cache.store import Store
from tests.cache.test_hearing import listening
from tests.conftest import GatewayFor
from tests.harness.databases import Databases
from tests.harness.gateway import schema_of, serve
from tests.harness.polling import next_poll
from tests.replicas.caller import Caller

ADDRESSES = {
    "redis://cache.internal": StoreAddress("cache.internal", 6379, "", False, "", "", 0),
    "rediss://me:a%2Fb@cache.internal:7000/2": StoreAddress("cache.internal", 7000, "", True, "me", "a/b", 2),
    "redis://:word@[::1]:7000": StoreAddress("::1", 7000, "", False, "", "word", 0),
    "unix:///run/redis.sock": StoreAddress("", 6379, "/run/redis.sock", False, "", "", 0),
    "unix://me:word@/run/redis.sock?db=3": StoreAddress("", 6379, "/run/redis.sock", False, "me", "word", 3),
}
WRONG = [
    *("cache.internal", "http://cache", "redis://", "unix://host", "redis://host/one", "redis://host:port"),
    *("redis://host?db=1", "redis://host#1", "unix:///run/redis.sock?number=1", "redis://[::1"),
]


@pytest.mark.parametrize("url", ADDRESSES)
def test_a_url_names_a_store(url: str) -> None:
    assert store_address(url) == ADDRESSES[url]
    assert "word" not in str(store_address(url))


@pytest.mark.parametrize("url", WRONG)
def test_a_wrong_url_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ValueError, match="redis://") as refused:
        store_address(url)
    assert "host/one" not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"cache_url": "redis://cache"}, "cache.url"),
        ({"cache_url_file": "url"}, "cache.url_file"),
        ({"cache_url": "redis://cache", "cache_url_file": "url", "secret": SECRET}, "cache.url_file"),
    ],
)
def test_gateways_that_share_need_a_secret_and_one_url(given: dict[str, str], wrong: str) -> None:
    with pytest.raises(ConfigError) as refused:
        settings_of(**given)
    assert [one.key for one in refused.value.diagnostics] == [wrong]


async def test_a_wrong_url_is_refused_at_the_start(gateway_for: GatewayFor) -> None:
    with pytest.raises(ConfigError) as refused:
        await gateway_for("shelves", cache_url="redis://me:hush@/1", secret=SECRET)
    assert "hush" not in str(refused.value)


async def test_the_url_may_stand_in_a_file(gateway_for: GatewayFor, store: Store, tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        await gateway_for("shelves", cache_url_file=tmp_path / "none", secret=SECRET)
    (tmp_path / "url").write_text(f"{store.url}\n")
    gateway = await gateway_for("shelves", cache_url_file=tmp_path / "url", secret=SECRET)
    await gateway.sql("INSERT INTO shelf VALUES (1, 'old')")
    while not store.ask("DBSIZE"):
        await Caller(gateway.client).call("shelves.v1.ShelfService/GetShelf", consistency="bounded=1ms", id=1)
        await next_poll()


def test_nothing_of_it_is_imported_without_the_setting() -> None:
    program = "import gateway.cli, gateway.app, sys; print('hiredis' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


async def test_each_worker_shares_and_listens(databases: Databases, store: Store, tmp_path: Path) -> None:
    for name, text in (("url", store.url), ("secret", SECRET)):
        (tmp_path / name).write_text(text)
    dsn = await databases.copy_of("shelves", build_tables(schema_of("shelves")).metadata)
    settings = {"workers": 2, "cache_url_file": tmp_path / "url", "secret_file": tmp_path / "secret"}
    gateway = await serve("shelves", dsn, transport="http", apart=True, **settings)
    async with asyncio.timeout(60):
        while listening(store) < 2:
            await next_poll()
    await gateway.stop()
