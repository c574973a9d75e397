"""The access log: one line per call. It tells what happened, never what was in the messages."""

import logging
from typing import Literal

from google.rpc import code_pb2

from gateway.observe.facts import CallFacts

Access = Literal["all", "errors", "none"]

_logger = logging.getLogger("gateway.access")
_OURS = {code_pb2.INTERNAL, code_pb2.UNKNOWN, code_pb2.DATA_LOSS}
_CODE_NAMES = dict(zip(code_pb2.Code.values(), code_pb2.Code.keys(), strict=True))


class AccessLog:
    """An observer that writes a line per call, or per failed call."""

    def __init__(self, access: Access) -> None:
        self._least_code = {"all": 0, "errors": 1, "none": len(_CODE_NAMES)}[access]

    def __call__(self, facts: CallFacts) -> None:
        """Write the call's line: an error where the fault is ours, else a piece of information."""
        if facts.code < self._least_code:
            return
        level = logging.ERROR if facts.code in _OURS else logging.INFO
        if _logger.isEnabledFor(level):
            _logger.log(level, "call", extra=_shown(facts))


def _shown(facts: CallFacts) -> dict[str, object]:
    shown: dict[str, object] = {
        "method": facts.method,
        "code": _CODE_NAMES[facts.code],
        "duration_ms": round(facts.duration * 1000, 3),
        "request_id": facts.request_id,
        "peer": facts.peer,
        "request_bytes": facts.request_bytes,
        "response_bytes": facts.response_bytes,
    }
    if facts.reason:
        shown["reason"] = facts.reason
    if facts.rows is not None:
        shown["rows"] = facts.rows
    return shown
