"""A served table beside its model: requests, and answers told as the model tells rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
from google.protobuf.message import Message

from tests.generated_schemas.model import Model, Stored, Values, shown
from tests.generated_schemas.schemas import Schema, name_of
from tests.harness.client import Client, RpcFailed

_FAULTS = frozenset(
    {"INTERNAL", "DATA_LOSS", "UNKNOWN", "UNAVAILABLE", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "ABORTED"}
)
"""What no request of a lone client may be answered with, whatever it holds."""
_STALE = "ETAG_MISMATCH"

Told = tuple[Mapping[str, Any], int, bool] | None
"""A row's values, its version, and whether it is live; None for an empty message."""


@dataclass(frozen=True)
class Answer:
    """What a call was answered with: a message, or a failure."""

    message: Any = None
    failure: RpcFailed | None = None

    @property
    def reason(self) -> str:
        """Return the failure's reason; empty without one."""
        return self.failure.reason if self.failure else ""


def checked(failed: RpcFailed) -> RpcFailed:
    """Return a failure that may be; raises AssertionError for any other."""
    assert failed.code.name not in _FAULTS or failed.reason == _STALE, f"{failed} ({failed.reason})"
    return failed


@dataclass
class Table:
    """A served table, and what it should hold.

    Args:
        schema: of the table.
        relation: the table's name in SQL.
        client: calls the gateway.
        sql: a connection past it.
        model: what the table should hold.
        streams: how many Ingest streams there were.

    """

    schema: Schema
    relation: str
    client: Client
    sql: asyncpg.Connection
    model: Model
    streams: int = 0

    def method(self, verb: str) -> str:
        """Return a method's name, as clients call it."""
        return f"{self.schema.package}.{self.schema.message}Service/{verb}{self.subject(verb)}"

    def subject(self, verb: str) -> str:
        """Return what a method's name goes on with: one resource, or several."""
        return self.schema.message + "s" * (verb not in ("Get", "Create", "Update", "Delete", "Undelete"))

    def request(self, verb: str) -> Any:
        """Return an empty request."""
        return self.client.message(f"{self.schema.package}.{verb}{self.subject(verb)}Request")

    async def ask(self, verb: str, request: Message) -> Answer:
        """Call a method; raises AssertionError for a failure that must not be."""
        try:
            return Answer(await self.client.call(self.method(verb), request))
        except RpcFailed as failed:
            return Answer(failure=checked(failed))

    def with_key(self, request: Any, key: Values) -> Any:
        """Set a request's key."""
        whole = self.model.message({name: key[name] for name in self.schema.key})
        for name in self.schema.key:
            request.MergeFrom(type(request)(**{name: getattr(whole, name)}))
        return request

    def told(self, answer: Message) -> Told:
        """Return an answered row as the model tells it."""
        if not answer.ByteSize():
            return None
        roles = self.schema.roles
        version = getattr(answer, roles["version"]) if "version" in roles else 0
        if "etag" in roles:
            assert getattr(answer, roles["etag"]) == f'"v{version}"'
        for role in ("created_at", "updated_at"):
            assert role not in roles or answer.HasField(roles[role])
        live = "soft_delete" not in roles or not answer.HasField(roles["soft_delete"])
        return shown(self.schema, answer), version, live

    def expected(self, row: Stored | None) -> Told:
        """Return a row of the model as it is told."""
        if row is None or self._is_empty(row):
            return None
        version = row.version if "version" in self.schema.roles else 0
        return self.model.shown(row.values), version, row.live

    def _is_empty(self, row: Stored) -> bool:
        """Whether all fields of a row's message are unset, which no column of the server's own is."""
        always = {"version", "created_at", "updated_at"} & set(self.schema.roles)
        return not always and row.live and not self.model.message(row.values).ByteSize()

    def column(self, field: str) -> str:
        """Return a column's name in SQL, of the table as `t`."""
        return f"t.{name_of(self.schema.by_name[field].stored)}"

    def join(self, rows: list[Stored]) -> str:
        """Return rows of the model by key, as what the table is joined with: `known (i, …)`."""
        keys = self.schema.keys
        lines = [
            f"({i}, {', '.join(self.schema.sql_value(key, row.values[key.name]) for key in keys)})"
            for i, row in enumerate(rows)
        ]
        same = " AND ".join(f"{self.column(key.name)} = known.k{i}" for i, key in enumerate(keys))
        names = ", ".join(f"k{i}" for i in range(len(keys)))
        return f"(VALUES {', '.join(lines)}) AS known (i, {names}) ON {same}"
