"""Steps of transactions, as calls of their own: who may make them, how often, how large, and who is told."""

from collections.abc import Sequence

from google.protobuf.message import Message

from gateway.config.settings import LimitSettings
from gateway.observe.call_record import CallRecord, Observer
from gateway.request.calls.call import Call
from gateway.schema.model import Method
from gateway.transport.authorization import Authorization
from gateway.transport.limits.caller_limits import CallerLimits
from gateway.transport.parsing.parser import RequestParser


class Steps:
    """Lets steps in as calls are.

    They have no place in admission and no turn at the processor: those are the transaction's.

    Args:
        limits: sizes of messages.
        authorization: says who may call what; None where everybody may.
        callers: counts the calls of each caller; None where they aren't limited.
        observers: told of each step when it has ended.

    """

    def __init__(
        self,
        limits: LimitSettings,
        authorization: Authorization | None,
        callers: CallerLimits | None,
        observers: Sequence[Observer],
    ) -> None:
        self._limits = limits
        self._authorization = authorization
        self._callers = callers
        self._observers = observers
        self._parsers: dict[str, RequestParser] = {}

    def enter(self, method: Method, call: Call) -> None:
        """Let a step in; raises PermissionDenied."""
        if self._authorization is not None:
            self._authorization.require(method.path, call.principal)

    def require_told(self, path: str, call: Call) -> None:
        """Raise PermissionDenied where the caller isn't told that a path leads nowhere, or to no step."""
        if self._authorization is not None:
            self._authorization.require(path, call.principal, unknown=True)

    def allows(self, method: Method, call: Call) -> bool:
        """Whether the caller may call a method."""
        return self._authorization is None or self._authorization.allows(method.path, call.principal)

    def draw(self, methods: Sequence[Method], call: Call, whole: Method | None = None) -> None:
        """Count steps, of a whole that was counted just before them; raises ResourceExhausted."""
        if self._callers is not None:
            peer = "" if call.record is None else call.record.peer
            paths = [method.path for method in methods]
            self._callers.draw(call.principal, peer, paths, "" if whole is None else whole.path)

    async def parse(self, method: Method, body: bytes) -> Message:
        """Return a step's request; raises InvalidArgument or OutOfRange."""
        parser = self._parsers.get(method.path)
        if parser is None:
            parser = self._parsers[method.path] = RequestParser(method, self._limits)
        return await parser.in_slices(body)

    def tell(self, record: CallRecord) -> None:
        """Tell the observers of a step."""
        for observer in self._observers:
            observer(record)
