"""The metrics of calls, counted by an observer: a look-up, three bisections and a few additions for each."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from google.protobuf.descriptor import MethodDescriptor
from google.rpc import code_pb2

from gateway.observe.call_record import CallRecord
from gateway.observe.metrics.figures import SECONDS, Distribution, Figures, Labels, Value

BYTES = (64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864)
_CODES: Mapping[int, str] = dict(zip(code_pb2.Code.values(), code_pb2.Code.keys(), strict=True))


_TYPES = {(False, False): "unary", (False, True): "server_stream", (True, True): "bidi_stream"}
_CLIENT_STREAM = "client_stream"


class _Name(NamedTuple):
    """A method, as the labels of metrics have it."""

    type: str
    service: str
    name: str

    @classmethod
    def of(cls, method: MethodDescriptor) -> "_Name":
        """Return a method's."""
        streams = (method.client_streaming, method.server_streaming)
        return cls(_TYPES.get(streams, _CLIENT_STREAM), method.containing_service.full_name, method.name)


class _Method:
    """One method's figures."""

    __slots__ = ("codes", "request_bytes", "response_bytes", "rows", "seconds")

    def __init__(self) -> None:
        self.codes = [0] * len(_CODES)
        self.seconds = Distribution(SECONDS)
        self.request_bytes = Distribution(BYTES)
        self.response_bytes = Distribution(BYTES)
        self.rows = 0


class CallMetrics:
    """An observer that counts calls. Only methods that are served are told of, so their number is bounded.

    Args:
        methods: those.

    """

    def __init__(self, methods: Iterable[MethodDescriptor]) -> None:
        names = [_Name.of(method) for method in methods]
        self._names = {f"{name.service}/{name.name}": name for name in names}
        self._methods = {method: _Method() for method in self._names}
        self._reasons: Counter[tuple[int, str]] = Counter()

    def __call__(self, record: CallRecord) -> None:
        """Count a call that has ended."""
        method = self._methods[record.method]
        method.codes[record.code] += 1
        method.seconds.add(record.duration)
        method.request_bytes.add(record.request_bytes)
        method.response_bytes.add(record.response_bytes)
        if record.rows is not None:
            method.rows += record.rows
        if record.reason:
            self._reasons[record.code, record.reason] += 1

    def figures(self, under_way: Iterable[str]) -> Figures:
        """Return what was counted; `under_way` names the method of each call that hasn't ended."""
        in_flight = Counter(under_way)
        return {
            "grpc_server_started_total": dict(self._started(in_flight)),
            "grpc_server_handled_total": dict(self._handled()),
            "grpc_server_handling_seconds": self._each("seconds"),
            "rowgate_calls_in_flight": {
                self._names[name][1:]: float(in_flight[name]) for name in self._methods
            },
            "rowgate_request_bytes": {
                labels[1:]: value for labels, value in self._each("request_bytes").items()
            },
            "rowgate_response_bytes": {
                labels[1:]: value for labels, value in self._each("response_bytes").items()
            },
            "rowgate_rows_total": {
                self._names[name][1:]: float(one.rows) for name, one in self._methods.items()
            },
            "rowgate_refusals_total": {
                (_CODES[code], reason): float(count) for (code, reason), count in self._reasons.items()
            },
        }

    def _started(self, in_flight: Mapping[str, int]) -> Iterator[tuple[Labels, Value]]:
        for name, method in self._methods.items():
            yield self._names[name], float(sum(method.codes) + in_flight[name])

    def _handled(self) -> Iterator[tuple[Labels, Value]]:
        for name, method in self._methods.items():
            for code, count in enumerate(method.codes):
                if count:
                    yield (*self._names[name], _CODES[code]), float(count)

    def _each(self, attribute: str) -> dict[Labels, Value]:
        return {self._names[name]: getattr(method, attribute) for name, method in self._methods.items()}
