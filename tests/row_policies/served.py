"""Gateways over the three schemas on both transports, and a client for each caller of each."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import grpc
from google.protobuf import json_format
from google.rpc import error_details_pb2

from gateway.cli.servers import SERVERS
from gateway.schema.tables.metadata import build_tables
from tests.harness.client import Client, RpcFailed
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import RunningGateway, descriptors_of, schema_of, serve
from tests.row_policies.callers import Caller, all_callers, credentials, id_of
from tests.row_policies.calls import BULKS, BY_FILTER, Call
from tests.row_policies.reads.aggregates import told
from tests.row_policies.reads.held import told_related
from tests.row_policies.reads.queries import KINDS as QUERIES
from tests.row_policies.reads.queries import told_in_short
from tests.row_policies.reads.searches import told_of_hit
from tests.row_policies.tables import (
    LOGIN,
    MEMBER,
    PAST_THE_GATEWAY,
    SETTINGS,
    TABLES,
    WALLS,
    Field,
    Row,
    Table,
)
from tests.row_policies.world import document

_SETTINGS = {"pool_size": 4, "secret": "a secret of sixteen or more", "log_level": "error"}
_OWN_TO_EACH = "x-request-id"
"""A trailer that is another with each call."""


@dataclass(slots=True)
class Answer:
    """What came of a call.

    Args:
        outcome: `OK`, or the code and the reason.
        told: of an error everything that its client hears.
        rows: in order.
        missing: keys of a BatchGet.
        count: of a Count; of a List its total_size.
        token: asks for what follows.
        outcomes: what became of each row of a bulk.
        failures: how its rows were refused, by their places.
        measures: what a Search tells of its hits beside their rows.

    """

    outcome: str
    told: tuple[Any, ...] = ()
    rows: list[Row] = field(default_factory=list)
    missing: list[tuple[Any, ...]] = field(default_factory=list)
    count: int | None = None
    token: str = ""
    outcomes: list[str] = field(default_factory=list)
    failures: dict[int, str] = field(default_factory=dict)
    measures: list[tuple[Any, ...]] = field(default_factory=list)


class Served:
    """A schema that a gateway serves.

    Args:
        schema: its name.
        gateway: serves it.
        sql: a connection past the gateway.
        keys: each caller's credential.

    """

    def __init__(
        self,
        schema: str,
        gateway: RunningGateway,
        sql: asyncpg.Connection,
        keys: Mapping[tuple[str, str], str],
    ) -> None:
        self.schema = schema
        self.sql = sql
        self.by_steps = False
        """Whether calls are the only step of a transaction each."""
        self.etags: dict[tuple[str, int], str] = {}
        self._gateway = gateway
        self._keys = keys
        self._clients: dict[tuple[str, str], Client] = {}

    def client(self, caller: Caller) -> Client:
        """Return a caller's client."""
        who = id_of(caller)
        if who not in self._clients:
            descriptors = descriptors_of(self.schema)
            self._clients[who] = Client(self._gateway.target, descriptors, authorization=self._keys[who])
        return self._clients[who]

    async def close(self) -> None:
        """Close all clients."""
        for client in self._clients.values():
            await client.close()

    async def ask(self, call: Call, etags: Mapping[tuple[Any, ...], str], **more: Any) -> Answer:
        """Make a call."""
        client = self.client(call.caller)
        request = {**call.request(etags), **more}
        try:
            if call.kind == "Ingest":
                return _answer(call, await _ingested(client, call))
            if call.kind != "Stream":
                # One that only looks shows what it would change, which a step that is undone does.
                looks = call.kind in BY_FILTER and "validateOnly" in request
                stands_alone = looks or call.kind in QUERIES
                answered = _as_step if self.by_steps and not stands_alone else Client.call
                return _answer(call, await answered(client, call.method, request))
            chunks = [chunk async for chunk in client.stream(call.method, request)]
        except RpcFailed as error:
            trailers = tuple(
                sorted((name, value) for name, value in error.trailers.items() if name != _OWN_TO_EACH)
            )
            return Answer(f"{error.code.name} {error.reason}", (error.message, trailers))
        rows = [row for chunk in chunks for row in _answer(call, chunk).rows]
        return Answer("OK", rows=rows, token=chunks[-1].resume_token if chunks else "")


_OF_THE_WHOLE = ("requestId", "request_id", "validateOnly", "validate_only")


async def _as_step(client: Client, method: str, request: Mapping[str, Any]) -> Any:
    """Make a call as the only step of a transaction; return its response."""
    service, _, name = method.partition("/")
    package = service.rpartition(".")[0]
    ours = {one: request[one] for one in _OF_THE_WHOLE if one in request}
    theirs = {one: value for one, value in request.items() if one not in ours}
    packed = {"@type": f"type.googleapis.com/{package}.{name}Request", **theirs}
    step = {"method": method.replace("/", "."), "request": packed}
    answer = await client.call(f"{package}.TransactService/Transact", {"steps": [step], **ours})
    return client.unpacked(answer.responses[0])


def _answer(call: Call, message: Any) -> Answer:
    if call.kind == "ListOwn":
        return Answer("OK", rows=[told_in_short(one) for one in message.lines])
    if call.kind == "Counted":
        return Answer("OK", rows=[{"id": one.id, "beds": one.beds} for one in message.lines])
    if call.kind == "Search":
        rows = [_read(call, hit.memo) for hit in message.hits]
        return Answer("OK", rows=rows, measures=[told_of_hit(hit) for hit in message.hits])
    return _of_standard(call, message)


def _of_standard(call: Call, message: Any) -> Answer:
    table = call.table
    answer = Answer("OK", count=message.affected_rows if call.kind in ("ShadeOwn", "Name") else None)
    name = message.DESCRIPTOR.name
    if name == table.name:
        answer.rows = [_read(call, message)]
    elif name != "Empty":
        answer.rows = [_read(call, row) for row in getattr(message, table.rows, ())]
    if call.kind in BY_FILTER:
        answer.rows, answer.count = [row_of(table, row) for row in message.sample], message.count
    if call.kind == "BatchGet":
        answer.missing = [_key_of(table, key) for key in message.missing]
    if call.kind == "Exists":
        answer.count = int(message.exists)
    if call.kind == "Aggregate":
        answer.rows = [told(table, one) for one in message.groups]
    if call.kind in ("List", "Count"):
        answer.count = message.total_size if call.kind == "List" else message.count
    if call.kind in BULKS:
        kinds = message.DESCRIPTOR.fields_by_name["outcomes"].enum_type.values_by_number
        answer.outcomes = [kinds[one].name.removeprefix("ROW_OUTCOME_") for one in message.outcomes]
        answer.failures = {one.index: _failure(one) for one in message.failures}
    answer.token = getattr(message, "next_page_token", "")
    return answer


def _read(call: Call, message: Any) -> Row:
    return {**row_of(call.table, message), **told_related(call.table, message, call.related, row_of)}


async def _ingested(client: Client, call: Call) -> Any:
    """Send one chunk; return what it was answered."""
    conversation = client.converse(call.method)
    await conversation.ask(start=call.start())
    answer = await conversation.ask(sequence=1, **{call.table.rows: call.sent_rows()})
    await conversation.end()
    return answer


def _failure(failure: Any) -> str:
    info = error_details_pb2.ErrorInfo()
    for detail in failure.status.details:
        if detail.Is(info.DESCRIPTOR):
            detail.Unpack(info)
    (code,) = (one.name for one in grpc.StatusCode if one.value[0] == failure.status.code)
    return f"{code} {info.reason}"


def _key_of(table: Table, key: Any) -> tuple[Any, ...]:
    return (key,) if len(table.key) == 1 else tuple(getattr(key, name) for name in table.key)


def row_of(table: Table, message: Any) -> Row:
    """Return a message as a row."""
    return {name: _value(message, name, one) for name, one in table.fields.items()}


def _value(message: Any, name: str, one: Field) -> Any:
    kind = one.kind
    if kind == "time":
        return message.HasField(name)
    if one.optional and not message.HasField(name):
        return None
    value = getattr(message, name)
    if kind == "vector":
        return f"[{','.join(f'{number:g}' for number in value)}]" if value else ""
    if kind == "enum":
        return message.DESCRIPTOR.fields_by_name[name].enum_type.values_by_number[value].name
    if kind == "document" and not isinstance(value, str):
        value = json_format.MessageToJson(value).replace(".0", "")
    return document(value) if kind == "document" and value else value


async def _started(schema: str, dsn: str, transport: str, settings: Mapping[str, Any]) -> RunningGateway:
    """Serve a database; by a role of callers where its own policies say which rows are theirs."""
    if schema not in WALLS:
        return await serve(schema, dsn, transport=transport, **settings)
    for statement in WALLS[schema]:
        await fetch(dsn, statement)
    walled = {"auth_row_security": "postgres", "auth_database_role": MEMBER}
    login = dsn.replace("//postgres@", f"//{LOGIN}@")
    return await serve(schema, login, transport=transport, **settings, **walled)


@asynccontextmanager
async def serving(
    databases: Databases,
    folder: Path,
    schemas: Sequence[str] = tuple(TABLES),
    transports: Sequence[str] = tuple(SERVERS),
) -> AsyncIterator[Mapping[tuple[str, str], Served]]:
    """Serve schemas; give them by their names and transports."""
    keys, settings = credentials(folder, all_callers())
    async with AsyncExitStack() as stack:
        served = {}
        for schema in schemas:
            for transport in transports:
                own = {**_SETTINGS, **settings, **SETTINGS.get(schema, {})}
                dsn = await databases.copy_of(schema, build_tables(schema_of(schema)).metadata)
                started = await _started(schema, dsn, transport, own)
                stack.push_async_callback(started.stop)
                sql = await asyncpg.connect(dsn)
                stack.push_async_callback(sql.close)
                await sql.execute(PAST_THE_GATEWAY.get(schema, "SELECT"))
                served[schema, transport] = Served(schema, started, sql, keys)
                stack.push_async_callback(served[schema, transport].close)
        yield served
