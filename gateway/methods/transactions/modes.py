"""Modes of transactions, as requests ask for them."""

from collections.abc import Mapping

from rowgate.v1 import transactions_pb2

from gateway.db.statements.transaction_mode import Isolation, Mode
from gateway.errors import InvalidArgument
from gateway.methods.transactions.steps import Step

_ISOLATIONS: Mapping[int, Isolation] = {
    transactions_pb2.ISOLATION_LEVEL_UNSPECIFIED: Isolation.READ_COMMITTED,
    transactions_pb2.ISOLATION_LEVEL_READ_COMMITTED: Isolation.READ_COMMITTED,
    transactions_pb2.ISOLATION_LEVEL_REPEATABLE_READ: Isolation.REPEATABLE_READ,
    transactions_pb2.ISOLATION_LEVEL_SERIALIZABLE: Isolation.SERIALIZABLE,
}


def mode_of(isolation: int, *, read_only: bool) -> Mode:
    """Return how a transaction begins, of a value of rowgate.v1.IsolationLevel."""
    return Mode(_ISOLATIONS[isolation], read_only)


def check_reads(step: Step, mode: Mode) -> None:
    """Raise InvalidArgument for a step that may write where nothing is to be written."""
    if mode.read_only and not step.rpc.reads:
        wrong = "may write, and the transaction is to read only"
        raise InvalidArgument.field("method", wrong, reason="STEP_WRITES")
