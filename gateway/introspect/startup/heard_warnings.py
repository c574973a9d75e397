"""Whether PostgreSQL's warnings are heard: one says that a commit counts, which no standby has."""

from gateway.db.database import Database
from gateway.request.calls.call import Call
from gateway.sql.statement import Statement

_LEVEL = Statement(
    "SELECT current_setting('client_min_messages')",
    binds=(),
    fields=(),
    writes=False,
    name="level of messages",
    constants={},
)
_UNHEARD = frozenset({"error", "fatal", "panic"})


class WarningsUnheardError(Exception):
    """A commit that no standby has would count as done."""


async def require_warnings(database: Database, call: Call) -> None:
    """Raise WarningsUnheardError where the gateway's sessions aren't sent warnings."""
    ((level,),) = await database.fetch(_LEVEL, (), call)
    if level in _UNHEARD:
        raise WarningsUnheardError(
            f"client_min_messages is {level}: PostgreSQL wouldn't tell of a commit whose wait for a standby "
            "was cancelled, which would count as done though a failover loses it; leave it at warning or "
            "below, in the DSN and for the role and the database"
        )
