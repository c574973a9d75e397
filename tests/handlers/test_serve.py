"""`rowgate serve --handlers`: as the file is saved, and not at all where it is wrong."""

import shutil
from pathlib import Path

import pytest

from gateway.schema.protos.sources import compile_protos
from gateway.schema.read import read_schema
from gateway.schema.tables.metadata import build_tables
from tests.cli.running import Running
from tests.handlers.generated import generate
from tests.handlers.test_example import EXAMPLE, place
from tests.harness.client import Client
from tests.harness.databases import Databases
from tests.harness.polling import next_poll

DESCRIPTORS = compile_protos(EXAMPLE / "protos")


@pytest.fixture
async def shop(tmp_path: Path, databases: Databases) -> tuple[Path, list[str]]:
    """Copy the example; give its file of handlers, and the flags that serve it."""
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True)
    generate(DESCRIPTORS, tmp_path)
    dsn = await databases.copy_of("shop", build_tables(read_schema(DESCRIPTORS)).metadata)
    app = tmp_path / "app.py"
    flags = ["--protos", str(tmp_path / "protos"), "--handlers", str(app), "--dsn", dsn]
    return app, [*flags, "--transport", "http", "--log-access", "none"]


async def reason(address: str) -> str:
    """Return why an order is refused, as a client hears that has just connected."""
    client = Client(address, DESCRIPTORS)
    try:
        return await place(client, 1)
    finally:
        await client.close()


async def test_a_worker_serves_handlers_as_they_are_saved(shop: tuple[Path, list[str]]) -> None:
    app, flags = shop
    server = await Running.start("--watch", *flags)
    try:
        address = await server.ready()
        assert [await reason(address) for _ in range(2)] == ["ROW_NOT_FOUND"] * 2
        app.write_text(app.read_text().replace("if request.count < 1:", "if request.count < 2:"))
        await server.logged("reloaded")
        while await reason(address) != "NOTHING_ORDERED":
            await next_poll()
        app.write_text(app.read_text().replace("async def PlaceOrder", "async def PlaceOrders"))
        told = await server.logged("not reloaded: it serves as before")
        assert "app.py:" in told["error"]
        assert 'did you mean "PlaceOrder"?' in told["error"]
        assert await reason(address) == "NOTHING_ORDERED"
    finally:
        server.signal()
        await server.ended()


async def test_a_wrong_file_stops_the_start(shop: tuple[Path, list[str]]) -> None:
    app, flags = shop
    app.write_text(f"{app.read_text()}\nraise RuntimeError('not today')\n")
    status, _, told = await (await Running.start(*flags)).ended()
    line = app.read_text().count("\n")
    assert status == 2
    assert f"errors in the handlers: 1\n\n{app}:{line}: RuntimeError: not today" in told
