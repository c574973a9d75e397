"""A new project runs as it is: migrated, served, and clean to buf."""

import asyncio
import json
import os
import subprocess
import urllib.request
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli import main
from tests.harness.databases import Databases
from tests.harness.process import ROWGATE, environment
from tests.pull.pulling import BUF


async def test_a_new_project_runs(tmp_path: Path, databases: Databases) -> None:
    """Made, looked at by buf, migrated into an empty database, and called by REST."""
    shop = tmp_path / "shop"
    done = CliRunner().invoke(main, ["new", str(shop)])
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, "  rowgate serve --watch")
    by_hand = (shop / "protos/shop/v1/item.proto").read_text().splitlines()
    assert len([line for line in by_hand if line]) <= 15
    for command in (["lint"], ["format", "--diff", "--exit-code"], ["generate"]):
        assert _buf(shop, *command) == (0, "")
    assert {path.parent.name for path in (shop / "gen").glob("*/v1")} == {"shop", "rowgate"}
    # Go, PHP and Ruby have a use of their own for a folder of this name.
    assert not (shop / "vendor").exists()
    dsn = await databases.empty()
    assert await _migrated(shop, dsn) == 0
    server = await asyncio.create_subprocess_exec(
        *(*ROWGATE, "serve", "--watch", "--listen", "127.0.0.1:0"),
        cwd=shop,
        env=environment(ROWGATE_DSN=dsn),
        stdout=PIPE,
    )
    try:
        assert server.stdout is not None
        async with asyncio.timeout(120):
            line = (await server.stdout.readline()).decode()
        assert line.startswith("listening on ")
        url = f"http://{line.split()[2].rstrip(',')}/v1/items"
        assert await asyncio.to_thread(_called, url, b'{"name": "Anvil"}') == {"id": "1", "name": "Anvil"}
        assert await asyncio.to_thread(_called, url) == {"items": [{"id": "1", "name": "Anvil"}]}
    finally:
        server.terminate()
        await server.wait()


def _buf(folder: Path, *args: str) -> tuple[int, str]:
    """Run buf beside this python3, which has grpcio-tools."""
    path = {**os.environ, "PATH": f"{BUF.parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        [BUF, *args], cwd=folder, env=path, capture_output=True, text=True, check=False, timeout=120
    )
    return done.returncode, done.stdout + done.stderr


async def _migrated(folder: Path, dsn: str) -> int | None:
    variables = environment(ROWGATE_DSN=dsn)
    process = await asyncio.create_subprocess_exec(
        *ROWGATE, "migrate", cwd=folder, env=variables, stdout=PIPE
    )
    await process.communicate()
    return process.returncode


def _called(url: str, body: bytes | None = None) -> object:
    request = urllib.request.Request(url, body, {"content-type": "application/json"})  # noqa: S310 - http
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - the same
        return json.load(answer)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Shop", "call a project in small letters and digits"),
        ("google", "the package google is one that protos import"),
        ("import", "import is a word of Python or Java that packages there can't have"),
        ("public", "public is a word of Python or Java that packages there can't have"),
        ("gateway", "Python has a module gateway already: call the project otherwise"),
        ("calendar", "Python has a module calendar already: call the project otherwise"),
        ("full", "is there already, and not empty: nothing in it is overwritten"),
    ],
)
def test_a_project_that_cannot_be(tmp_path: Path, name: str, told: str) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/README.md").write_text("Mine.")
    done = CliRunner().invoke(main, ["new", str(tmp_path / name)])
    assert done.exit_code == 2
    assert told in done.stderr
    assert [path.name for path in tmp_path.rglob("*")] == ["full", "README.md"]
    assert (tmp_path / "full/README.md").read_text() == "Mine."


def test_a_project_in_the_folder_of_a_new_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "shop"
    (folder / ".git").mkdir(parents=True)
    monkeypatch.chdir(folder)
    done = CliRunner().invoke(main, ["new", "."])
    assert (done.exit_code, done.stdout) == (0, "made .; next:\n  rowgate migrate\n  rowgate serve --watch\n")
    assert (folder / "protos/shop/v1/item_service.proto").is_file()
