"""Errors as google.rpc.Status (AIP-193)."""

from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

from gateway.errors.tree import RowgateError


def to_status(error: RowgateError) -> status_pb2.Status:
    """Return the status of an error, with ErrorInfo."""
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain="rowgate", metadata=error.metadata)
    packed = any_pb2.Any()
    packed.Pack(info)
    return status_pb2.Status(code=error.code, message=error.message, details=[packed])
