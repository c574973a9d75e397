"""The parts of the gateway that every method works with."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Table

from gateway.db.executor import Executor, KeyReads, SingleWrites
from gateway.db.internal_tables.idempotency import RequestIds, Room
from gateway.db.statements.caller_role import CallerRoles
from gateway.db.steps import StepExecutor, StepReads, StepWrites
from gateway.errors import FailedPrecondition
from gateway.methods.bulk_state import BulkState
from gateway.policy.presets import Presets
from gateway.policy.row_rules import TableRules
from gateway.policy.tenants import TenantColumn
from gateway.request.filter.related.relations import NO_RELATIONS, HopOf, Relations
from gateway.request.pages.page_token import PageTokens
from gateway.request.relations.rows import RelationRows
from gateway.schema.model import Method, Resource, StandardMethod

_ANY_NUMBER = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """The gateway's parts, as the methods see them.

    What holds for callers has no default: whoever forgot it would serve everything to everybody.

    Args:
        database: the way to PostgreSQL.
        reads: the way of reads by key, which share statements.
        writes: the way of writes of single rows, which share statements too.
        tables: SQLAlchemy's table of each resource, by the message's full name.
        request_ids: the answers that are kept for repetitions of a request_id.
        response_bytes: the most bytes of a response.
        chunk_bytes: the most bytes of a streamed response that holds more than one row.
        bulk_max_rows: the most rows of a bulk upsert, and of a chunk of Ingest.
        max_concurrent_bulk: bulk writes of one method that hold a connection at once.
        page_tokens: seals where a page ended. The default's secret is this process's own: tokens end with it.
        rules: of the rows that callers may see and change, by the message's full name; none of a resource
            without a policy, and none at all where callers aren't identified.
        relations: which rows the schema's relations hold, by their fields' full names.
        hop: returns the way by a relation of the schema, with what holds of the rows there.
        presets: what is written of callers, by the message's full name; none where they aren't identified.
        caller_roles: of the database, whose policies say which rows are there for a caller; None where calls
            run by the gateway's own.
        withheld: the columns that some roles may not set in new rows, by the message's full name.
        marking: the tables whose deleted rows stay, marked.
        tenant_columns: which say whose rows are, of the tables that tenants have in common.
        own_tables: whether the database has the gateway's own tables.
        identified: whether callers are identified, so that columns may be some callers' alone.
        session_idle: seconds that a session may wait for its client.
        session_seconds: that it may last.
        handler_messages: the most requests of a stream that a handler reads.
        methods: all that are served, by full name: those that steps of transactions may call.
        authored: what makes the handlers of methods that their author answers, or has a hook before or
            behind, of method and engine, by full name.

    """

    database: Executor
    reads: KeyReads
    writes: SingleWrites
    tables: Mapping[str, Table]
    request_ids: RequestIds = field(default_factory=lambda: RequestIds(1 << 20, Room(1 << 30)))
    response_bytes: int = 64 * 1024 * 1024
    chunk_bytes: int = 256 * 1024
    bulk_max_rows: int = 100_000
    max_concurrent_bulk: int = 4
    page_tokens: PageTokens = field(default_factory=lambda: PageTokens(os.urandom(32)))

    relations: Mapping[str, RelationRows] = field(default_factory=dict)
    hop: HopOf | None = None
    rules: Mapping[str, TableRules]
    presets: Mapping[str, Presets]
    caller_roles: CallerRoles | None
    withheld: Mapping[str, frozenset[str]] = field(default_factory=dict)
    marking: frozenset[Table] = frozenset()
    tenant_columns: Mapping[Table, TenantColumn] = field(default_factory=dict)
    own_tables: bool = True
    identified: bool
    session_idle: float = 10.0
    session_seconds: float = 60.0
    handler_messages: int = 100_000
    methods: Mapping[str, Method] = field(default_factory=dict)
    authored: Mapping[str, Callable[[Method, "Engine"], Any]] = field(default_factory=dict)
    _bulk_states: dict[str, BulkState] = field(default_factory=dict, init=False, repr=False)

    def require_own_tables(self, what: str) -> None:
        """Raise FailedPrecondition where the database hasn't the gateway's own tables, which `what` needs."""
        if not self.own_tables:
            raise FailedPrecondition(
                f"{what} is off: the gateway has no tables of its own that it may write, which keep it",
                reason="GATEWAY_TABLES_MISSING",
            )

    def of_steps(self) -> "Engine":
        """Return the same for calls that are steps of a transaction: its connection is theirs already.

        So none of them waits for a turn at bulk writes, of which whoever has one may wait for the rows that
        the transaction has locked.
        """
        return replace(
            self,
            database=StepExecutor(),
            reads=StepReads(),
            writes=StepWrites(),
            max_concurrent_bulk=_ANY_NUMBER,
        )

    @property
    def hides_rows(self) -> bool:
        """Whether the database's own policies say which rows are there for a caller."""
        return self.caller_roles is not None

    def rules_of(self, resource: Resource) -> TableRules | None:
        """Return the rules of the resource's rows; None where it has none."""
        return self.rules.get(resource.message.full_name)

    def relations_of(self, method: StandardMethod) -> Relations:
        """Return the relations that filters and orders of a method may go through."""
        return Relations(method.related, self.hop) if self.hop is not None else NO_RELATIONS

    def withheld_of(self, resource: Resource) -> frozenset[str]:
        """Return the resource's columns that some roles of the database may not set in new rows."""
        return self.withheld.get(resource.message.full_name, frozenset())

    def presets_of(self, resource: Resource) -> Presets | None:
        """Return what is written of callers in the resource's rows; None where nothing is."""
        return self.presets.get(resource.message.full_name)

    def bulk_state(self, method: StandardMethod) -> BulkState:
        """Return what all handlers of a BulkUpsert or Ingest method share."""
        states = self._bulk_states
        return states.setdefault(method.full_name, BulkState(self.max_concurrent_bulk))

    @property
    def tables_with_rules(self) -> frozenset[Table]:
        """The tables whose rows aren't everybody's."""
        return frozenset(self.tables[name] for name in self.rules)

    def table(self, resource: Resource) -> Table:
        """Return the resource's table."""
        return self.tables[resource.message.full_name]
