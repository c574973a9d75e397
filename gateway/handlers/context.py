"""The context of a call: who calls, until when, and what its handler reaches of the gateway."""

import asyncio

from gateway.auth.principal import Principal
from gateway.handlers.rowgate import Rowgate
from gateway.request.calls.call import METADATA, Call


class Context:
    """A call, as its handler or hook sees it.

    Args:
        call: the call.
        rowgate: what it reaches.

    """

    __slots__ = ("_call", "rowgate")

    def __init__(self, call: Call, rowgate: Rowgate) -> None:
        self._call = call
        self.rowgate = rowgate
        """The gateway's methods and the database, as far as the caller may have them."""

    @property
    def principal(self) -> Principal:
        """Who calls; `anonymous` without a credential, or where callers aren't identified."""
        return self._call.principal

    @property
    def method(self) -> str:
        """`package.Service.Method`."""
        return self._call.method

    @property
    def request_id(self) -> str:
        """The caller's x-request-id, or the gateway's: the log's lines have it."""
        return "" if self._call.record is None else self._call.record.request_id

    @property
    def metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        """What the caller sent beside the request, but for credentials; names may come again."""
        return METADATA.get()()

    def time_remaining(self) -> float | None:
        """Return the seconds until the deadline; None where there is none.

        Whoever works on then is cancelled: asyncio.CancelledError is raised, as where the caller goes away.
        """
        deadline = self._call.deadline
        return None if deadline is None else max(deadline - asyncio.get_running_loop().time(), 0.0)

    def bypass_policies(self) -> Rowgate:
        """Return `rowgate` as if nobody's rights were asked for; see Rowgate.bypass_policies."""
        return self.rowgate.bypass_policies()
