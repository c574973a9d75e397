"""The read replicas that the settings name."""

from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, replace

from gateway.app.sharing import sharing_of
from gateway.config.settings import Settings
from gateway.db.coalesce import PointReads
from gateway.db.connections.dsn import DsnError, resolve
from gateway.db.database import Database
from gateway.db.database_settings import DatabaseSettings, RetrySettings
from gateway.db.replicas.primary_log import PrimaryLog
from gateway.db.replicas.replica import LOOK_SECONDS, Replica
from gateway.db.replicas.replica_pool import ReplicaPool
from gateway.db.replicas.replicas import Replicas
from gateway.db.replicas.routing import RoutedDatabase, RoutedReads
from gateway.db.statements.caller_role import CallerRoles
from gateway.db.statements.watch import StatementWatch

# A read that fails there goes to the primary at once.
_ONCE = RetrySettings(attempts=1)


@dataclass(frozen=True, slots=True)
class OpenReplicas:
    """The replicas of a database.

    Args:
        replicas: all of them.
        log: the primary's.

    """

    replicas: Replicas
    log: PrimaryLog

    def database(self, primary: Database) -> RoutedDatabase:
        """Return what runs statements at the primary or a replica."""
        return RoutedDatabase(primary, self.replicas)

    def reads(self, primary: PointReads) -> RoutedReads:
        """Return what reads by key at the primary or a replica."""
        return RoutedReads(primary, self.replicas)


def _hosts_of(dsn: str) -> Sequence[tuple[str, str]]:
    """Return the hosts' names, each with a DSN of its own."""
    with _of_replicas():
        hosts = resolve(dsn).each_alone()
        if not hosts:
            raise DsnError("it names no host")
        return hosts


@contextmanager
def _of_replicas() -> Iterator[None]:
    """Name the setting in errors of its DSN."""
    try:
        yield
    except DsnError as error:
        error.setting = "database.read_dsn"
        raise


async def open_replicas(
    primary: Database,
    where: DatabaseSettings,
    settings: Settings,
    watch: StatementWatch | None,
    opened: AsyncExitStack,
    *,
    roles: CallerRoles | None,
    log: PrimaryLog | None,
) -> OpenReplicas | None:
    """Return the replicas of `database.read_dsn`, which need not answer yet.

    None where nobody follows the primary's log: without replicas that is for rows that are kept.

    Raises gateway.db.connections.dsn.DsnError.

    Args:
        primary: their primary.
        where: how that is used: they are used so, too.
        settings: all of them.
        watch: told of each statement.
        opened: closes them.
        roles: by which calls run; None for the gateway's own.
        log: the primary's; None where nobody follows it.

    """
    dsn = settings.database.read_dsn
    if log is None:
        return None
    hosts = () if dsn is None else _hosts_of(dsn.get_secret_value())

    def replica(name: str, url: str) -> Replica:
        wait = min(where.connect_timeout, LOOK_SECONDS)
        there = replace(where, dsn=url, retry=_ONCE, connect_timeout=wait)
        pool = ReplicaPool(there)
        database = Database.over(pool, there, watch)
        serving = database if roles is None else database.by_roles(roles)
        reads = PointReads(serving, sharing_of(settings), apart=roles is not None)
        return Replica(name, pool, serving, reads, log)

    all_ = [replica(name, url) for name, url in hosts]
    replicas = Replicas(primary, all_, log, settings.database.replica_wait)
    opened.push_async_callback(replicas.stop, settings.database.close_timeout)
    await replicas.start()
    return OpenReplicas(replicas, log)
