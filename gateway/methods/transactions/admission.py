"""The admission of steps: what each passes as a call of its own."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Protocol

from google.protobuf.message import Message

from gateway.methods.handlers import AnyHandler
from gateway.observe.call_record import CallRecord
from gateway.request.calls.call import Call
from gateway.schema.model import Method


class StepAdmission(Protocol):
    """Lets steps in, counts and tells of them; where calls arrive it is known how."""

    def enter(self, method: Method, call: Call) -> None:
        """Let a step of a call in; raises PermissionDenied."""

    def require_told(self, path: str, call: Call) -> None:
        """Raise PermissionDenied where the caller isn't told that a path leads nowhere, or to no step."""

    def allows(self, method: Method, call: Call) -> bool:
        """Whether the caller may call a method."""

    def draw(self, methods: Sequence[Method], call: Call, whole: Method | None = None) -> None:
        """Count steps, which are let in together; raises ResourceExhausted where they are too many.

        Args:
            methods: those of the steps.
            call: whose caller calls them.
            whole: the method that they are steps of, where its call was counted just before them.

        """

    async def parse(self, method: Method, body: bytes) -> Message:
        """Return a step's request; raises InvalidArgument or OutOfRange as for a call."""

    def tell(self, record: CallRecord) -> None:
        """Tell the observers of a step that has ended."""


class TransactionHandler(ABC):
    """A handler that calls other methods: those that its request names, or its author's code does."""

    @abstractmethod
    def behind(self, admission: StepAdmission) -> AnyHandler:
        """Return the handler of its method, whose steps pass an admission."""
