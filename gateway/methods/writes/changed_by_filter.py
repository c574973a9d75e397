"""The frame of a write by filter: the request is read, carried out in a transaction, and answered."""

from typing import Protocol, TypeVar

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.db.database import Transaction
from gateway.errors import RowgateError
from gateway.methods.engine import Engine
from gateway.methods.idempotent import Session, Writes
from gateway.methods.row_changes.by_filter import Changed
from gateway.methods.writes.items import flag
from gateway.request.calls.call import Call
from gateway.response.rows import row_to_message
from gateway.response.shape import RowShape
from gateway.schema.model import StandardMethod

T = TypeVar("T")


class Worker(Protocol[T]):
    """What a method does with what it reads of a request."""

    def read(self, request: Message, call: Call) -> T:
        """Return what a request asks for; raises InvalidArgument."""

    async def change(self, session: Session, asked: T, *, shows: bool) -> Changed:
        """Change the rows; with `shows` some of them are told too."""

    def map_error(self, error: RowgateError, asked: T) -> RowgateError:
        """Return the database's refusal in terms of the request."""


class ChangedByFilter:
    """A method that changes what a filter finds: all of it, or nothing.

    It answers how many rows that were. Under validate_only all is done, shown, and rolled back.
    """

    def __init__(self, method: StandardMethod, engine: Engine, worker: "Worker[T]") -> None:
        self._worker: Worker[T] = worker
        self._roles = method.request
        self._writes = Writes(method, engine)
        self._names = {role: field.name for role, field in method.response.items()}
        self._answer = GetMessageClass(method.descriptor.output_type)
        self._message = row_to_message(RowShape(method.resource, method.resource.fields))

    async def __call__(self, request: Message, call: Call) -> Message:
        """Change the rows."""
        worker = self._worker
        asked = worker.read(request, call)
        shows = "sample" in self._names and flag(request, self._roles, "validate_only")

        async def work(transaction: Transaction) -> Message:
            return self._answered(await worker.change(transaction, asked, shows=shows))

        try:
            return await self._writes.atomically(request, call, work)
        except RowgateError as error:
            raise worker.map_error(error, asked) from error.__cause__

    def _answered(self, changed: Changed) -> Message:
        answer = self._answer(**{self._names["count"]: changed.count})
        if changed.rows:
            getattr(answer, self._names["sample"]).extend(map(self._message, changed.rows))
        return answer
