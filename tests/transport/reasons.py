"""Why a call failed, as its trailers say."""

import base64
from collections.abc import Mapping

from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status


def reason_of(trailers: Mapping[bytes, bytes]) -> tuple[int, str]:
    """Return the code and the reason of ErrorInfo; an empty reason where there is no ErrorInfo."""
    code = int(trailers.get(b"grpc-status", b"-1"))
    sent = trailers.get(b"grpc-status-details-bin", b"")
    status = Status.FromString(base64.b64decode(sent + b"=" * (-len(sent) % 4)))
    info = error_details_pb2.ErrorInfo()
    found = next((detail for detail in status.details if detail.Is(info.DESCRIPTOR)), None)
    if found is None:
        return code, ""
    found.Unpack(info)
    return code, info.reason
