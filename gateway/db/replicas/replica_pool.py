"""A pool of connections to one replica, lent to reads that it is fresh enough for."""

from gateway.db.connections.connect import unreachable
from gateway.db.database_settings import DatabaseSettings
from gateway.db.driver_errors import DRIVER_ERRORS
from gateway.db.pool.connection_limiter import OWN
from gateway.db.pool.idle_connections import Member
from gateway.db.pool.pool import Pool
from gateway.db.replicas.standby import Standby, StandbyFacts, ask
from gateway.errors import Unavailable
from gateway.request.calls.call import Call
from gateway.request.calls.log_position import ANYWHERE, LogPosition

BEHIND = "REPLICA_BEHIND"


class ReplicaPool(Pool):
    """Raises Unavailable (REPLICA_BEHIND) where a call needs more of the log than the replica has.

    There may be several servers behind one name. What one says is known of its own connections alone.
    """

    def __init__(self, settings: DatabaseSettings) -> None:
        super().__init__(settings)
        self._standbys: dict[str, Standby] = {}
        self._of_members: dict[Member, Standby] = {}
        self._is_away = False
        self.position = ANYWHERE
        """What the server that was asked last has replayed."""

    async def take(self, call: Call) -> Member:
        """Take a connection, to a server that is known to be fresh enough for the call."""
        if self._is_away:
            raise unreachable()
        member = await super().take(call)
        needed = call.reads_at
        if needed is None or self._of_members[member].has(needed):
            return member
        try:
            facts = await self._ask(member)
        except BaseException:
            self.rescue(member)
            raise
        if not facts.position.holds(needed):
            self.give_back(member)
            raise Unavailable("the replica is behind what the call asks for", reason=BEHIND)
        return member

    async def look(self) -> LogPosition:
        """Return how far a server has replayed the log; raises what a connection or statement raises."""
        member = await super().take(OWN)
        try:
            facts = await self._ask(member)
        except BaseException:
            self.rescue(member)
            raise
        self.give_back(member)
        return facts.position

    def away(self) -> None:
        """Lend nothing until the replica is `back`, and end all connections: who reads goes elsewhere."""
        self._is_away = True
        for member in list(self._members):
            member.connection.terminate()

    def back(self) -> None:
        """Lend connections again."""
        self._is_away = False

    async def _add(self, call: Call) -> Member:
        member = await super()._add(call)
        try:
            facts = await self._asked(member)
        except BaseException:
            self._drop(member)
            raise
        standby = self._standbys.setdefault(facts.server, Standby())
        standby.told_at_first(facts.position)
        self._of_members[member] = standby
        return member

    async def _ask(self, member: Member) -> StandbyFacts:
        facts = await self._asked(member)
        self._of_members[member].told(facts.position)
        self.position = facts.position
        return facts

    async def _asked(self, member: Member) -> StandbyFacts:
        try:
            return await ask(member.connection)
        except DRIVER_ERRORS as error:
            raise unreachable() from error

    def _drop(self, member: Member) -> None:
        super()._drop(member)
        standby = self._of_members.pop(member, None)
        if standby is not None and standby not in self._of_members.values():
            self._standbys = {name: one for name, one in self._standbys.items() if one is not standby}
