"""The record of one RPC, from which the log is written, and what is told of one under way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(slots=True)
class CallRecord:
    """One RPC, filled in while it runs and handed to the observers when it ends.

    Args:
        method: `package.Service/Method`.
        request_id: the caller's x-request-id, or ours.
        peer: the caller's address, as the transport spells it.
        code: google.rpc.Code's number; OK is 0.
        reason: the error's stable reason; empty when the call succeeded.
        trace_id: of the trace that its caller began, or we did; empty where traces are off.
        principal: who calls, as its name is over all kinds; empty where callers aren't identified.
        cause: what the database or the network said of the error, where no value can be in it.
        duration: seconds, from the request's arrival to its answer.
        rows: rows sent or received, where the method has rows.
        request_bytes: size of the request message.
        response_bytes: size of the response message.

    """

    method: str
    request_id: str
    peer: str = ""
    code: int = 0
    reason: str = ""
    duration: float = 0.0
    rows: int | None = None
    request_bytes: int = 0
    response_bytes: int = 0
    cause: str = ""
    trace_id: str = ""
    principal: str = ""


Observer = Callable[[CallRecord], None]


class CallUnderWay(NamedTuple):
    """A call that hasn't ended.

    Args:
        method: `package.Service/Method`.
        principal: who calls; empty where callers aren't identified.
        age_seconds: since it came.
        waits_for: what it waits for.
        request_id: the caller's, or ours.
        trace_id: its trace; empty without.
        peer: the caller's address.

    """

    method: str
    principal: str
    age_seconds: float
    waits_for: str
    request_id: str
    trace_id: str
    peer: str


class CallsUnderWay(NamedTuple):
    """The calls of a server that haven't ended.

    Args:
        calls: the oldest first.
        silent_workers: those that haven't told theirs in time, or serve no longer.

    """

    calls: Sequence[CallUnderWay]
    silent_workers: int = 0
