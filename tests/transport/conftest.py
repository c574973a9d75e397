"""A server around a handler of the test's own, and a table that is locked against the gateway."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg
import pytest
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.cli.servers import SERVERS
from gateway.config.load import settings_of
from gateway.observe.call_record import CallRecord
from gateway.request.calls.call import Call
from gateway.schema.model import Method
from gateway.transport.dispatch import Dispatcher
from gateway.transport.limits.admission import Admission
from gateway.transport.limits.deadlines import Deadlines
from gateway.transport.limits.processor import Processor
from gateway.transport.served_api import ServedApi
from gateway.transport.server import ServerFactory
from tests.harness.client import Client
from tests.harness.gateway import descriptors_of, schema_of
from tests.harness.polling import next_poll
from tests.harness.transports import TRANSPORTS

SERVICE = "ledger.v1.AccountService"
GET = f"{SERVICE}/GetAccount"
ACCOUNTS = '"Ledger"."order"'
HandlerOfTest = Callable[[Any, Call], Awaitable[Message]]


class Served:
    """A server in this process whose GetAccount is a function of the test's, and a client of it."""

    def __init__(
        self,
        make_server: ServerFactory,
        handler: HandlerOfTest,
        method: Method | None = None,
        **settings: Any,
    ) -> None:
        values = settings_of(**{"listen": "127.0.0.1:0", **settings})
        self.ended = asyncio.Queue[CallRecord]()
        if method is None:
            method = next(m for m in schema_of("ledger").services[SERVICE].methods if m.path == f"/{GET}")
        self.account = GetMessageClass(method.descriptor.output_type)
        api = ServedApi(
            {SERVICE: [(method, handler)]},
            descriptors_of("ledger"),
            values.server,
            values.limits,
            authorization=None,
            observers=[self.ended.put_nowait],
        )
        self.server = make_server(api, values)

    async def start(self) -> "Served":
        """Listen, and make the client."""
        port = await self.server.start()
        self.target = f"127.0.0.1:{port}"
        self.client = Client(self.target, descriptors_of("ledger"))
        return self

    async def get(self, **fields: Any) -> Any:
        """Call GetAccount; `timeout` is the client's deadline."""
        return await self.client.call(GET, **fields)

    async def raw(self, body: bytes, method: str = GET) -> bytes:
        """Call with bytes."""
        return await self.client.raw(self.client.channel.unary_unary(f"/{method}"), body, 30)

    async def stop(self) -> None:
        """Close the client, then the server."""
        await self.client.close()
        await self.server.stop(1)


def dispatching(handler: Any, **parts: Any) -> Dispatcher:
    """Return a dispatcher whose GetAccount is a function of the test's, with parts of the test's own."""
    method = next(one for one in schema_of("ledger").services[SERVICE].methods if one.path == f"/{GET}")
    usual = {
        "authorization": None,
        "callers": None,
        "admission": Admission(100),
        "deadlines": Deadlines(9, 9, 9),
        "processor": Processor(),
    }
    return Dispatcher({SERVICE: [(method, handler)]}, settings_of().limits, 1, **{**usual, **parts})


Serve = Callable[..., Awaitable[Served]]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test over each transport."""
    if "transport" in metafunc.fixturenames:
        metafunc.parametrize("transport", TRANSPORTS, scope="module")
    if "make_server" in metafunc.fixturenames:
        metafunc.parametrize("make_server", SERVERS.values(), ids=SERVERS)


@pytest.fixture
async def served(make_server: ServerFactory) -> AsyncIterator["Serve"]:
    """Give what starts a server around a handler, with settings by their flat names."""
    async with serving_by(make_server) as start:
        yield start


@asynccontextmanager
async def serving_by(make_server: ServerFactory) -> AsyncIterator["Serve"]:
    """Give what starts servers of a kind; they are stopped at the end."""
    async with AsyncExitStack() as stack:

        async def start(handler: HandlerOfTest, **settings: Any) -> Served:
            one = await Served(make_server, handler, **settings).start()
            stack.push_async_callback(one.stop)
            return one

        yield start


class Gate:
    """A handler that answers when it is let, and tells how many calls have come."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self._arrived = asyncio.Semaphore(0)
        self.cancelled = asyncio.Event()

    async def __call__(self, request: Any, _call: Call) -> Message:
        """Wait to be let."""
        self._arrived.release()
        try:
            await self.opened.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        answer = schema_of("ledger").resources["ledger.v1.Account"].message
        return GetMessageClass(answer)(book=request.book)

    async def arrived(self, calls: int = 1) -> None:
        """Wait until so many more calls have come."""
        async with asyncio.timeout(60):
            for _ in range(calls):
                await self._arrived.acquire()


@asynccontextmanager
async def locked(dsn: str, table: str = ACCOUNTS) -> AsyncIterator[asyncpg.Connection]:
    """Hold a lock that lets no query of the table through."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            await connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            yield connection
    finally:
        await connection.close()


async def until_waiting(connection: asyncpg.Connection, queries: int) -> None:
    """Wait until at least so many queries of this database wait for a lock; with 0, until none does.

    There may be more: calls that came together share a statement only if they were read together, too.
    """
    count = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock' AND state = 'active'"
    )
    async with asyncio.timeout(60):
        while (waiting := await connection.fetchval(count)) < queries or (waiting and not queries):
            await next_poll()
            # pg_stat_activity is read anew in each transaction only.
            await connection.execute("SELECT pg_stat_clear_snapshot()")
