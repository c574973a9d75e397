"""A cluster of Patroni's nodes and their etcd, of Debian's packages, on loopback.

All that goes between a node and others goes through proxies, so that a node can be cut off.
"""

import asyncio
import json
import os
import pwd
import shutil
import signal
from asyncio.subprocess import Process, create_subprocess_exec
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg

from tests.db.proxy import Proxy
from tests.db.servers import DEBIAN_15, sql
from tests.harness.http import ask
from tests.harness.polling import next_poll
from tests.harness.sample import free_port

TTL = 6
_SECONDS = 120
_LOOK_SECONDS = 0.1
_LOGGED_LINES = 15
_DCS = {"ttl": TTL, "loop_wait": 1, "retry_timeout": 2, "maximum_lag_on_failover": 1 << 30}
_PARAMETERS = {
    "fsync": "off",  # a process that is killed keeps what the system has taken
    "max_connections": 100,
    "max_wal_senders": 10,
    "wal_keep_size": "256MB",
    "shared_buffers": "64MB",
    "wal_receiver_status_interval": "1s",
}
_HBA = ["local all all trust", "host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust"]
_WAITS = "SELECT current_setting('synchronous_standby_names') <> ''"
_STANDBYS = (
    "SELECT count(*), count(*) FILTER (WHERE sync_state IN ('sync', 'quorum')) FROM pg_stat_replication "
    "WHERE state = 'streaming'"
)
DATABASE = "postgres"


def missing() -> str:
    """Return which program isn't installed; empty where all are."""
    programs = {"patroni": shutil.which("patroni"), "etcd": shutil.which("etcd")}
    programs["PostgreSQL 15"] = str(DEBIAN_15) if (DEBIAN_15 / "initdb").exists() else None
    return ", ".join(name for name, found in programs.items() if found is None)


@dataclass
class Node:
    """A server and its Patroni.

    Args:
        name: unlike the others'.
        folder: of its own.
        port: PostgreSQL's.
        rest: Patroni's.
        links: the ways to it and from it: `clients` and `peers` to PostgreSQL, `rest` to Patroni, `etcd`.
        places: where the links listen.

    """

    name: str
    folder: Path
    port: int = field(default_factory=free_port)
    rest: int = field(default_factory=free_port)
    links: dict[str, Proxy] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)
    patroni: Process | None = None

    @property
    def data(self) -> Path:
        """PostgreSQL's folder."""
        return self.folder / "data"

    @property
    def dsn(self) -> str:
        """PostgreSQL's DSN, past all proxies."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{DATABASE}"

    def processes(self) -> list[int]:
        """Return the ids of its processes: Patroni's, the postmaster's, and those of its children."""
        pids = [] if self.patroni is None else [self.patroni.pid]
        with suppress(OSError, ValueError, IndexError):
            postmaster = int((self.data / "postmaster.pid").read_text().splitlines()[0])
            process = Path("/proc") / str(postmaster)
            if str(self.data) in (process / "cmdline").read_text():
                children = (process / "task" / str(postmaster) / "children").read_text().split()
                pids += [postmaster, *map(int, children)]
        return pids

    def send(self, number: signal.Signals) -> None:
        """Send a signal to all its processes."""
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    async def kill(self) -> None:
        """Kill -9 all of it."""
        self.send(signal.SIGKILL)
        if self.patroni is not None:
            await self.patroni.wait()
            self.patroni = None

    def freeze(self, *links: str) -> None:
        """Let nothing through some of its links."""
        for name in links:
            self.links[name].freeze()

    def thaw(self) -> None:
        """Let everything through again."""
        for link in self.links.values():
            link.thaw()

    def configuration(self) -> Mapping[str, Any]:
        """Return Patroni's."""
        user = {"username": "postgres"}
        dynamic = {**_DCS, "primary_start_timeout": 0, "postgresql": {"use_pg_rewind": True}}
        return {
            "scope": "rowgate",
            "name": self.name,
            "restapi": {
                "listen": f"127.0.0.1:{self.rest}",
                "connect_address": f"127.0.0.1:{self.places['rest']}",
            },
            # By etcd's version 3 Patroni 3.0 takes a lock back that another has by now (its #2689).
            "etcd": {"proxy": f"http://127.0.0.1:{self.places['etcd']}"},
            "bootstrap": {
                "dcs": dynamic,
                "initdb": [{"encoding": "UTF8"}, {"locale": "C"}, {"auth": "trust"}, "no-sync"],
                "pg_hba": _HBA,
            },
            "postgresql": {
                "listen": f"127.0.0.1:{self.port}",
                "connect_address": f"127.0.0.1:{self.places['peers']}",
                "data_dir": str(self.data),
                "bin_dir": str(DEBIAN_15),
                "pgpass": str(self.folder / "pgpass"),
                "authentication": {"superuser": user, "replication": user, "rewind": user},
                "parameters": {**_PARAMETERS, "unix_socket_directories": str(self.folder)},
                "pg_hba": _HBA,
                "basebackup": [{"checkpoint": "fast"}],
            },
        }


@dataclass
class Cluster:
    """The nodes.

    Args:
        nodes: they.
        user: as whom their processes run.

    """

    nodes: Sequence[Node]
    user: Mapping[str, Any]

    async def start(self, node: Node) -> None:
        """Start a node's Patroni, which starts its PostgreSQL."""
        configuration = node.folder / "patroni.json"
        configuration.write_text(json.dumps(node.configuration()))
        with (node.folder / "log").open("ab") as log:
            node.patroni = await create_subprocess_exec(
                "patroni", configuration, stdout=log, stderr=log, cwd="/", start_new_session=True, **self.user
            )

    async def leader(self) -> Node:
        """Return the leader of a cluster that is whole: all others stream, synchronously where that is on."""
        async with asyncio.timeout(_SECONDS):
            while True:
                with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, json.JSONDecodeError):
                    if (node := await self._whole()) is not None:
                        return node
                await asyncio.sleep(_LOOK_SECONDS)

    def log(self) -> str:
        """Return the last that each node's Patroni and PostgreSQL logged."""
        logs = ((node.name, (node.folder / "log").read_text().splitlines()) for node in self.nodes)
        return "\n".join(f"{name}: {line}" for name, lines in logs for line in lines[-_LOGGED_LINES:])

    async def synchronous(self, *, on: bool) -> None:
        """Let commits wait for a standby, or not."""
        leader = await self.leader()
        body = {"synchronous_mode": on}
        answer = await ask(f"127.0.0.1:{leader.rest}", "PATCH", "/config", body)
        assert answer.status == 200, answer
        async with asyncio.timeout(_SECONDS):
            while await sql(leader.dsn, _WAITS) != [(on,)]:
                await next_poll()

    async def _whole(self) -> Node | None:
        any_node = next(node for node in self.nodes if node.patroni is not None)
        members = (await ask(f"127.0.0.1:{any_node.rest}", "GET", "/cluster")).json["members"]
        roles = {
            member["name"]: member["role"]
            for member in members
            if member["state"] in ("running", "streaming")
        }
        leaders = [node for node in self.nodes if roles.get(node.name) == "leader"]
        if len(roles) < len(self.nodes) or len(leaders) != 1:
            return None
        [(streaming, waited_for)] = await sql(leaders[0].dsn, _STANDBYS)
        config = (await ask(f"127.0.0.1:{leaders[0].rest}", "GET", "/config")).json
        is_synchronous = not config.get("synchronous_mode") or (
            waited_for and "sync_standby" in roles.values()
        )
        return leaders[0] if streaming == len(self.nodes) - 1 and is_synchronous else None


def _user() -> Mapping[str, Any]:
    """Return as whom to run what refuses to be root's."""
    if os.geteuid():
        return {}
    entry = pwd.getpwnam("postgres")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


@asynccontextmanager
async def cluster(folder: Path, count: int) -> AsyncIterator[Cluster]:
    """Run a cluster of so many nodes, with an empty database; end all its processes."""
    user = _user()
    _make(folder)
    async with AsyncExitStack() as stack:
        etcd = await stack.enter_async_context(_etcd(folder))
        nodes = [await _node(folder, f"node{number}", etcd, user, stack) for number in range(count)]
        made = Cluster(nodes, user)
        for node in nodes:
            await made.start(node)
        try:
            await made.leader()
        except TimeoutError as error:
            raise AssertionError(f"the cluster did not come up:\n{made.log()}") from error
        yield made


def _make(folder: Path) -> None:
    """Make a folder, and let other users reach what is in it."""
    folder.mkdir()
    for parent in (folder, *folder.parents):
        with suppress(PermissionError):
            parent.chmod(parent.stat().st_mode | 0o011)


async def _node(folder: Path, name: str, etcd: int, user: Mapping[str, Any], stack: AsyncExitStack) -> Node:
    node = Node(name, folder / name)
    node.folder.mkdir()
    if user:
        os.chown(node.folder, user["user"], user["group"])
    stack.push_async_callback(node.kill)
    for link, port in {"clients": node.port, "peers": node.port, "rest": node.rest, "etcd": etcd}.items():
        proxy = Proxy(partial(asyncio.open_connection, "127.0.0.1", port))
        server = await asyncio.start_server(proxy.handle, "127.0.0.1", 0)
        stack.push_async_callback(proxy.close)
        stack.callback(server.close)
        node.links[link], node.places[link] = proxy, server.sockets[0].getsockname()[1]
    return node


@asynccontextmanager
async def _etcd(folder: Path) -> AsyncIterator[int]:
    """Run an etcd; give its port."""
    clients, peers = free_port(), free_port()
    urls = {"client": f"http://127.0.0.1:{clients}", "peer": f"http://127.0.0.1:{peers}"}
    options = [
        *("--data-dir", str(folder / "etcd"), "--name", "etcd", "--log-level", "error"),
        *("--listen-client-urls", urls["client"], "--advertise-client-urls", urls["client"]),
        *("--listen-peer-urls", urls["peer"], "--initial-advertise-peer-urls", urls["peer"]),
        "--enable-v2",
        *("--initial-cluster", f"etcd={urls['peer']}"),
    ]
    with (folder / "etcd.log").open("ab") as log:
        process = await create_subprocess_exec("etcd", *options, stdout=log, stderr=log)
    try:
        yield clients
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
