"""Expectations of steps: what has to be true of a response, or nothing of the transaction is done."""

from rowgate.v1 import transactions_pb2

from gateway.errors import FailedPrecondition, FieldViolation, InvalidArgument
from gateway.methods.handlers import Response, WrittenResponse
from gateway.schema.model import Method

_COUNTED = ("rows", "count", "exists")
"""The roles of a response that tell of how many rows it speaks."""


def check_expectation(sent: transactions_pb2.Step, rpc: Method) -> None:
    """Raise InvalidArgument for an expectation of rows that the method's response doesn't tell of."""
    wanted = sent.expect
    if not sent.HasField("expect"):
        return
    if wanted.WhichOneof("rows") is None or wanted.row_count < 0:
        raise _wrong("set row_count, from 0, or exists")
    if not any(role in rpc.response for role in _COUNTED):
        raise _wrong(f"a response of {rpc.full_name} has no rows: List or Count them")


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
            metadata={"rows": str(rows)},
            violations=[FieldViolation("expect", text, reason)],
        )


def _rows(rpc: Method, response: Response) -> int:
    if isinstance(response, WrittenResponse):
        return response.rows
    role = next(role for role in _COUNTED if role in rpc.response)
    told = getattr(response, rpc.response[role].name)
    return len(told) if role == "rows" else int(told)


def _wrong(description: str) -> InvalidArgument:
    return InvalidArgument.field("expect", f"can't be met: {description}", reason="INVALID_EXPECTATION")
