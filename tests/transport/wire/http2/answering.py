"""A handler that answers at once."""

from typing import Any

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from tests.harness.gateway import schema_of


class Answering:
    """Answers with a book of so many letters, and counts its calls."""

    def __init__(self, letters: int = 1) -> None:
        self.calls = 0
        account = schema_of("ledger").resources["ledger.v1.Account"].message
        self._answer = GetMessageClass(account)(book="b" * letters)

    async def __call__(self, _request: Any, _call: Any) -> Message:
        """Answer."""
        self.calls += 1
        return self._answer
