"""The metrics of calls, counted by an observer, many at a time."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from google.protobuf.descriptor import MethodDescriptor

from gateway.observe.call_record import CallRecord
from gateway.observe.code_names import CODE_NAMES
from gateway.observe.metrics.figures import SECONDS, Distribution, Figures, Labels, Value

BYTES = (64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864)
_AT_ONCE = 256
"""How many calls are counted at once: a call's share of that is a quarter of what one alone would take."""

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
        self.codes = [0] * len(CODE_NAMES)
        self.seconds = Distribution(SECONDS)
        self.request_bytes = Distribution(BYTES)
        self.response_bytes = Distribution(BYTES)
        self.rows = 0

    def add(self, ended: Sequence[CallRecord]) -> None:
        """Count calls of it that have ended."""
        for code, number in Counter([record.code for record in ended]).items():
            self.codes[code] += number
        self.seconds.add_all([record.duration for record in ended])
        self.request_bytes.add_all([record.request_bytes for record in ended])
        self.response_bytes.add_all([record.response_bytes for record in ended])
        self.rows += sum([record.rows for record in ended if record.rows])


class CallMetrics:
    """An observer that counts calls. Only methods that are served are told of, so their number is bounded.

    Args:
        methods: those.

    """

    def __init__(self, methods: Iterable[MethodDescriptor]) -> None:
        names = [_Name.of(method) for method in methods]
        self._names = {f"{name.service}/{name.name}": name for name in names}
        self._methods: dict[str, _Method] = {}
        self._reasons: Counter[tuple[int, str]] = Counter()
        self._ended: list[CallRecord] = []

    def __call__(self, record: CallRecord) -> None:
        """Count a call that has ended, at the latest when figures are asked for."""
        self._ended.append(record)
        if len(self._ended) >= _AT_ONCE:
            self._count()

    def figures(
        self, under_way: Iterable[str], refusals: Mapping[tuple[int, str], int] | None = None
    ) -> Figures:
        """Return what was counted, of the methods that were called.

        Args:
            under_way: names the method of each call that hasn't ended.
            refusals: of calls that no observer is told of, by code and reason.

        """
        self._count()
        in_flight = Counter(under_way)
        for method in in_flight:
            if method not in self._methods:
                self._add(method)
        called = {self._names[name]: one for name, one in self._methods.items() if name in self._names}
        waiting = {name: float(in_flight[f"{name.service}/{name.name}"]) for name in called}
        return {
            "grpc_server_started_total": {
                name: sum(method.codes) + waiting[name] for name, method in called.items()
            },
            "grpc_server_handled_total": dict(_handled(called)),
            "grpc_server_handling_seconds": {name: method.seconds for name, method in called.items()},
            "rowgate_calls_in_flight": {name[1:]: waiting[name] for name in called},
            "rowgate_request_bytes": {name[1:]: method.request_bytes for name, method in called.items()},
            "rowgate_response_bytes": {name[1:]: method.response_bytes for name, method in called.items()},
            "rowgate_rows_total": {name[1:]: float(method.rows) for name, method in called.items()},
            "rowgate_refusals_total": {
                (CODE_NAMES[code], reason): float(count)
                for (code, reason), count in (self._reasons + Counter(refusals or {})).items()
            },
        }

    def _count(self) -> None:
        ended, self._ended = self._ended, []
        by_method: defaultdict[str, list[CallRecord]] = defaultdict(list)
        for record in ended:
            by_method[record.method].append(record)
        for name, records in by_method.items():
            (self._methods.get(name) or self._add(name)).add(records)
        self._reasons.update([(record.code, record.reason) for record in ended if record.reason])

    def _add(self, name: str) -> _Method:
        """Begin to count a method: none of a large schema takes a place before it is called."""
        self._methods[name] = method = _Method()
        return method


def _handled(called: Mapping[_Name, _Method]) -> Iterator[tuple[Labels, Value]]:
    for name, method in called.items():
        for code, count in enumerate(method.codes):
            if count:
                yield (*name, CODE_NAMES[code]), float(count)
