"""The limits that apply to a caller, as a method tells them (protos/rowgate/v1/limits.proto)."""

from collections.abc import Iterator
from typing import NamedTuple

from rowgate.v1 import limits_pb2 as pb

from gateway.config.settings import LimitSettings, ServerSettings
from gateway.methods.reads.batch_get import MAX_KEYS
from gateway.methods.reads.list_rows import MAX_PAGE
from gateway.methods.transactions.transact import MAX_STEPS
from gateway.methods.writes.items import MAX_BATCH
from gateway.request.calls.bulkheads import share_of, share_of_connection
from gateway.request.filter.lexer import MAX_LENGTH
from gateway.request.filter.parser import MAX_DEPTH, MAX_TERMS
from gateway.request.masks import MAX_PATHS
from gateway.transport.builtin.builtin_method import BuiltinMethod, BuiltinMethods
from gateway.transport.exchange import Exchange
from gateway.transport.limits.admission import streams_of_connection
from gateway.transport.limits.caller_limits import burst_of, weights_of
from gateway.transport.parsing.parser import small_reader

SERVICE_NAME = "rowgate.v1.LimitsService"
PATH = f"/{SERVICE_NAME}/GetLimits"
_read = small_reader(pb.GetLimitsRequest)


class _Limit(NamedTuple):
    name: str
    value: float
    unit: str
    reason: str
    description: str


class Limits:
    """Tells the limits of calls.

    Args:
        server: those of time.
        limits: those of sizes, numbers and rates.

    """

    def __init__(self, server: ServerSettings, limits: LimitSettings) -> None:
        found = [
            *_of_caller(limits),
            *_of_calls(server),
            *_of_sessions(limits),
            *_of_requests(limits),
            *_of_language(),
        ]
        weights = weights_of(limits) if limits.caller_rate else {}
        self._response = pb.GetLimitsResponse(
            limits=[pb.Limit(**one._asdict()) for one in found],
            weights=[pb.MethodWeight(kind=kind, weight=weight) for kind, weight in weights.items()],
        ).SerializeToString()

    def methods(self) -> BuiltinMethods:
        """Return GetLimits."""
        declared = pb.DESCRIPTOR.services_by_name["LimitsService"].methods_by_name["GetLimits"]
        return {PATH: BuiltinMethod(declared, self.get_limits)}

    async def get_limits(self, exchange: Exchange) -> bytes:
        """Answer."""
        _read(exchange.request)
        return self._response


def _of_caller(limits: LimitSettings) -> Iterator[_Limit]:
    share, streams = share_of_connection(limits.max_in_flight), streams_of_connection(limits)
    yield _Limit("limits.max_in_flight", share, "calls", "TOO_MANY_CALLS", "calls of one caller under way")
    if most := limits.caller_in_flight:
        reason = "TOO_MANY_CALLS_OF_CALLER"
        yield _Limit("limits.caller_in_flight", most, "calls", reason, "calls of one caller under way")
    if rate := limits.caller_rate:
        what = "calls of one caller, as they weigh"
        yield _Limit("limits.caller_rate", rate, "calls per second", "RATE_LIMITED", what)
        yield _Limit("limits.caller_burst", burst_of(limits), "calls", "RATE_LIMITED", f"{what}, at once")
    what = "calls under way on one connection; more wait at the client"
    yield _Limit("limits.max_concurrent_streams", streams, "calls", "", what)
    for way in ("request", "response"):
        share = share_of(getattr(limits, f"{way}_memory"))
        what, reason = f"{way}s of one connection under way", f"TOO_MANY_{way.upper()}_BYTES"
        yield _Limit(f"limits.max_{way}_bytes_in_flight", share, "bytes", reason, what)


def _of_calls(server: ServerSettings) -> Iterator[_Limit]:
    late, unit = "DEADLINE_EXCEEDED", "seconds"
    yield _Limit("server.default_deadline", server.default_deadline, unit, late, "a call without a deadline")
    yield _Limit("server.max_deadline", server.max_deadline, unit, late, "any call")
    yield _Limit("server.stream_deadline", server.stream_deadline, unit, late, "a call that streams")


def _of_sessions(limits: LimitSettings) -> Iterator[_Limit]:
    for name, reason, what in (
        ("session_idle_timeout", "SESSION_IDLE", "a Session without a message"),
        ("session_timeout", "DEADLINE_EXCEEDED", "a Session in all"),
    ):
        yield _Limit(f"limits.{name}", getattr(limits, name), "seconds", reason, what)


def _of_requests(limits: LimitSettings) -> Iterator[_Limit]:
    for name, unit, reason, what in (
        ("max_request_bytes", "bytes", "REQUEST_TOO_LARGE", "a request"),
        ("max_response_bytes", "bytes", "RESPONSE_TOO_LARGE", "a response"),
        ("max_metadata_bytes", "bytes", "METADATA_TOO_LARGE", "the metadata of a call"),
        ("max_row_bytes", "bytes", "ROW_TOO_LARGE", "a row of a request"),
        (
            "max_row_elements",
            "elements",
            "TOO_MANY_ELEMENTS",
            "a row, its lists and its maps",
        ),
        ("bulk_max_rows", "rows", "TOO_MANY_ROWS", "a BulkUpsert, or a chunk of Ingest"),
        ("stream_chunk_bytes", "bytes", "", "a response of a stream; a larger row comes alone"),
    ):
        yield _Limit(f"limits.{name}", getattr(limits, name), unit, reason, what)


def _of_language() -> Iterator[_Limit]:
    yield _Limit("filter.length", MAX_LENGTH, "characters", "FILTER_TOO_LONG", "a filter")
    yield _Limit("filter.terms", MAX_TERMS, "comparisons", "FILTER_TOO_COMPLEX", "a filter")
    yield _Limit("filter.depth", MAX_DEPTH, "levels", "FILTER_TOO_COMPLEX", "parentheses of a filter")
    yield _Limit("mask.paths", MAX_PATHS, "paths", "TOO_MANY_PATHS", "a field mask")
    yield _Limit("page.rows", MAX_PAGE, "rows", "", "a page; a larger page_size counts as this")
    yield _Limit("batch_get.keys", MAX_KEYS, "keys", "TOO_MANY_KEYS", "a BatchGet")
    yield _Limit("batch.items", MAX_BATCH, "items", "BATCH_TOO_LARGE", "a batch of writes")
    yield _Limit("transact.steps", MAX_STEPS, "steps", "WRONG_NUMBER_OF_STEPS", "a Transact")
