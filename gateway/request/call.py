"""What the gateway knows of one RPC beside its message."""

from dataclasses import dataclass, field

from gateway.request.bulkheads import UNKNOWN, Operation
from gateway.request.delivery import Delivery


@dataclass(slots=True, eq=False)  # not frozen: that is four times as dear to make, and every call makes one
class Call:
    """One RPC under way. Told apart by identity.

    Args:
        method: `package.Service.Method`.
        principal: who calls; idempotency records and, later, coalescing are kept apart by it.
        deadline: when the caller's time is up, on the event loop's clock (`loop.time()`); None where it
            set none and the server adds none.
        operation: what it does, and to which table.
        connection: the peer's address; empty where it speaks for several.
        size: bytes of its request; 0 where that says nothing of what it asks for.
        unsettled: whether it may have written what its caller hasn't been answered: a write was sent, and
            isn't known to be undone.

    """

    method: str
    principal: str = "anonymous"
    deadline: float | None = None
    operation: Operation = UNKNOWN
    connection: str = ""
    size: int = 0
    unsettled: bool = False


@dataclass(slots=True, eq=False)
class StreamCall(Call):
    """One whose responses are a stream.

    Args:
        delivery: of the responses.

    """

    delivery: Delivery = field(default_factory=Delivery)
