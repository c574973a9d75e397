"""The access log: one line per call. It tells what happened, never what was in the messages."""

import logging
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quoted
from time import time_ns
from typing import Literal

from google.rpc import code_pb2

from gateway.observe.call_record import CallRecord
from gateway.observe.code_names import CODE_NAMES
from gateway.observe.log_lines import LineHandler

Access = Literal["all", "errors", "none"]

_logger = logging.getLogger("gateway.access")
_OURS = {code_pb2.INTERNAL, code_pb2.UNKNOWN, code_pb2.DATA_LOSS}
_OPERATORS = "INSUFFICIENT_PRIVILEGE"
"""The reason that blames neither the gateway nor the caller: grants are missing."""
_LEVEL_NAMES = {logging.ERROR: "error", logging.WARNING: "warning", logging.INFO: "info"}


class AccessLog:
    """An observer that writes a line per call, or per failed call.

    Where the log is JSON, its lines are made here: as records of Python's logging they would cost
    several times as much, for every call.
    """

    def __init__(self, access: Access) -> None:
        self._least_code = {"all": 0, "errors": 1, "none": len(CODE_NAMES)}[access]
        self._lines = LineHandler.installed()

    def __call__(self, record: CallRecord) -> None:
        """Write the call's line: an error where the gateway failed, a warning where it lacks privileges."""
        if record.code < self._least_code:
            return
        level = _level(record)
        if not _logger.isEnabledFor(level):
            return
        if self._lines is None:
            _logger.log(level, "call", extra=facts_of(record))
        else:
            self._lines.write_soon(_as_json(record, _LEVEL_NAMES[level]))


def _level(record: CallRecord) -> int:
    if record.code in _OURS:
        return logging.ERROR
    return logging.WARNING if record.reason == _OPERATORS else logging.INFO


def facts_of(record: CallRecord) -> dict[str, object]:
    """Return what a line of the log says of a call."""
    shown: dict[str, object] = {
        "method": record.method,
        "code": CODE_NAMES[record.code],
        "duration_ms": round(record.duration * 1000, 3),
        "request_id": record.request_id,
        "peer": record.peer,
        "request_bytes": record.request_bytes,
        "response_bytes": record.response_bytes,
    }
    if record.reason:
        shown["reason"] = record.reason
    if record.cause:
        shown["cause"] = record.cause
    if record.rows is not None:
        shown["rows"] = record.rows
    if record.principal:
        shown["principal"] = record.principal
    if record.trace_id:
        shown["trace_id"] = record.trace_id
    return shown


def _as_json(record: CallRecord, level: str) -> str:
    """Return what `facts_of` returns as the log's formatter writes it."""
    reason = f', "reason": {quoted(record.reason)}' if record.reason else ""
    cause = f', "cause": {quoted(record.cause)}' if record.cause else ""
    rows = f', "rows": {record.rows}' if record.rows is not None else ""
    principal = f', "principal": {quoted(record.principal)}' if record.principal else ""
    trace = f', "trace_id": "{record.trace_id}"' if record.trace_id else ""
    return (
        f'{{"event": "call", "level": "{level}", "logger": "gateway.access", '
        f'"method": {quoted(record.method)}, "code": "{CODE_NAMES[record.code]}", '
        f'"duration_ms": {record.duration * 1000:.3f}, "request_id": {quoted(record.request_id)}, '
        f'"peer": {quoted(record.peer)}, '
        f'"request_bytes": {record.request_bytes}, "response_bytes": {record.response_bytes}'
        f'{reason}{cause}{rows}{principal}{trace}, "timestamp": "{_now()}"}}\n'
    )


def _now() -> str:
    """Return the time as the log's formatter writes it, at less cost."""
    second, microsecond = divmod(time_ns() // 1000, 1_000_000)
    return f"{_spelled(second)}.{microsecond:06d}Z"


@lru_cache(maxsize=1)
def _spelled(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat().removesuffix("+00:00")
