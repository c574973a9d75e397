"""The settings of the way to PostgreSQL, as one frozen record. Times are seconds."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RetrySettings:
    """When a failed attempt is made again (see gateway.db.retry).

    Args:
        attempts: how often a call is tried at most, the first time included.
        first_delay: the longest pause before the second attempt; doubled for each further one.
        max_delay: the longest pause at all.
        budget: how many retries all calls together may have saved up.
        earned: how much of one retry each call adds to the budget.

    """

    attempts: int = 6
    first_delay: float = 0.02
    max_delay: float = 1.0
    budget: float = 100.0
    earned: float = 0.1


_LONGEST_MILLISECONDS = 2**31 - 1


def milliseconds(seconds: float) -> int:
    """Return a bound as PostgreSQL takes it: rounded, but never to 0, which is without end there."""
    return min(max(round(seconds * 1000), 1), _LONGEST_MILLISECONDS) if seconds else 0


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """Where the database is, and the bounds of everything done with it.

    Args:
        dsn: what gateway.db.connections.dsn.resolve takes; libpq's PG* variables fill what it leaves out.
        pool_size: connections at most.
        queue_size: calls that may wait for a connection; one more is refused at once.
        acquire_timeout: how long a call waits for a connection.
        max_queue_delay: how long one waits while more calls come than are answered.
        connect_timeout: how long one attempt to connect may take.
        start_timeout: how long `Database.open` waits for a server that isn't there yet.
        statement_timeout: the server's own bound of a statement, where nobody cancels it; 0: none.
        lock_timeout: the server's bound of the wait for one lock; 0: none.
        idle_in_transaction_timeout: after which the server ends a session with a forgotten transaction.
        idle_lifetime: after which an unused connection is closed.
        release_timeout: how long a broken-off connection may take to come back before it is cut.
        close_timeout: how long `Database.close` waits for the calls under way.
        statement_cache_size: prepared statements kept per connection; 0 behind a pooler without them.
        application_name: what pg_stat_activity calls the sessions.
        max_sessions: transactions that may be kept open by their clients at once; each keeps a connection.
        max_cursors: queries that may be read slice by slice at once; each keeps a connection.
        max_read_bytes: the most bytes that a statement may return to who reads it whole.
        cursor_stall_timeout: how long a reader may take nothing before another may have its cursor.
        in_shards: whether Citus has rows. Unless told otherwise it hides shards from who reads pg_class, by a
            look at each table: the driver's question for a type of a new statement takes 0.3 s then.
        retry: when a failed attempt is made again.

    A server setting of 0 isn't sent, for poolers that refuse start-up parameters they don't know.

    """

    dsn: str = field(default="", repr=False)
    pool_size: int = 8
    queue_size: int = 1000
    acquire_timeout: float = 5.0
    max_queue_delay: float = 5.0
    connect_timeout: float = 10.0
    start_timeout: float = 30.0
    statement_timeout: float = 300.0
    lock_timeout: float = 30.0
    idle_in_transaction_timeout: float = 60.0
    idle_lifetime: float = 300.0
    release_timeout: float = 5.0
    close_timeout: float = 10.0
    statement_cache_size: int = 512
    application_name: str = "rowgate"
    max_sessions: int = 4
    max_cursors: int = 4
    cursor_stall_timeout: float = 2.0
    max_read_bytes: int = 64 * 1024 * 1024
    in_shards: bool = False
    retry: RetrySettings = field(default_factory=RetrySettings)

    def server_settings(self) -> dict[str, str]:
        """Return what is set on connect, with the start-up message: it costs no round trip."""
        timeouts = {
            "statement_timeout": self.statement_timeout,
            "lock_timeout": self.lock_timeout,
            "idle_in_transaction_session_timeout": self.idle_in_transaction_timeout,
        }
        sent = {name: f"{milliseconds(seconds)}ms" for name, seconds in timeouts.items() if seconds}
        unhidden = {"citus.override_table_visibility": "off"} if self.in_shards else {}
        return {"application_name": self.application_name, **sent, **unhidden}
