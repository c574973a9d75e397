"""Expectations of steps: what has to be true of a response, or nothing of the transaction is done."""

from collections.abc import Sequence

from rowgate.v1 import transactions_pb2

from gateway.errors import FailedPrecondition, FieldViolation, InvalidArgument
from gateway.methods.handlers import Response, WrittenResponse
from gateway.schema.model import Method
from gateway.schema.sql_method import AFFECTED_ROWS, Gives, SqlMethod

_COUNTED = (("rows",), ("count",), ("exists",), ("inserted_count", "updated_count"))
"""The roles of a response that together tell of how many rows it speaks, or how many were changed."""


def check_expectation(sent: transactions_pb2.Step, rpc: Method) -> None:
    """Raise InvalidArgument for an expectation of rows that the method's response doesn't tell of."""
    wanted = sent.expect
    if not sent.HasField("expect"):
        return
    if wanted.WhichOneof("rows") is None or wanted.row_count < 0:
        raise _wrong("set row_count, from 0, or exists")
    if not _counts(rpc):
        raise _wrong(f"a response of {rpc.full_name} has no rows, nor their number: List or Count them")


def check_rows(sent: transactions_pb2.Step, rpc: Method, response: Response) -> None:
    """Raise FailedPrecondition (EXPECTATION_FAILED) for a response with other rows than the step expects."""
    if not sent.HasField("expect"):
        return
    wanted, rows = sent.expect, _rows(rpc, response)
    if wanted.WhichOneof("rows") == "exists":
        fits, words = wanted.exists == (rows > 0), "some rows" if wanted.exists else "no row"
    else:
        fits, words = wanted.row_count == rows, f"{wanted.row_count} rows"
    if not fits:
        text, reason = f"{words} expected, {rows} found", "EXPECTATION_FAILED"
        raise FailedPrecondition(
            f"expect: {text}",
            reason=reason,
            metadata={"rows": str(rows), "step_method": rpc.full_name},
            violations=[FieldViolation("expect", text, reason)],
        )


def _rows(rpc: Method, response: Response) -> int:
    if isinstance(response, WrittenResponse):
        return response.rows
    told = [getattr(response, name) for name in _counts(rpc)]
    return sum(int(one) if isinstance(one, int) else len(one) for one in told)


def _counts(rpc: Method) -> Sequence[str]:
    """Return the fields of a response that tell of its rows: lists, numbers to be added, or whether any."""
    if isinstance(rpc, SqlMethod) and rpc.gives is Gives.COUNT:
        return (AFFECTED_ROWS,)
    found = next((roles for roles in _COUNTED if rpc.response.keys() >= {*roles}), ())
    return [rpc.response[role].name for role in found]


def _wrong(description: str) -> InvalidArgument:
    return InvalidArgument.field("expect", f"can't be met: {description}", reason="INVALID_EXPECTATION")
