"""The gateway as handlers reach it: its methods, transactions, and the database."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from google.protobuf.descriptor_pool import Default
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import code_pb2
from rowgate.v1 import transactions_pb2

from gateway.db.database import Transaction
from gateway.db.statements.transaction_mode import Isolation, Mode
from gateway.handlers.database.statements import named_errors
from gateway.handlers.open_call import OpenCall
from gateway.handlers.open_transaction import OpenTransaction
from gateway.handlers.part import Part, Parts
from gateway.handlers.stub_channel import StubChannel
from gateway.methods.transactions.steps import Step
from gateway.schema.diagnostics import suggestion
from gateway.schema.model import Method

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from sqlalchemy.ext.asyncio import AsyncSession

T = TypeVar("T")
_TYPE_URL = "type.googleapis.com/"


class Rowgate:
    """What a call of a handler's reaches: as its caller, unless it bypasses policies in so many words.

    Methods are answered by the gateway itself, neither by other handlers nor with hooks. Each is let in,
    counted and logged as a call of its own, by the caller's rights, rows and columns, and has the deadline of
    the whole.

    Args:
        parts: of the gateway.
        open_call: the call.
        opened: the transaction that everything is part of; None where each call has its own.
        is_policed: whether the caller's rights hold.

    """

    __slots__ = ("_open_call", "_opened", "_part", "_parts")

    def __init__(
        self,
        parts: Parts,
        open_call: OpenCall,
        opened: OpenTransaction | None = None,
        *,
        is_policed: bool = True,
    ) -> None:
        self._parts = parts
        self._part: Part = parts.policed if is_policed else parts.bypassing
        self._open_call = open_call
        self._opened = opened

    async def call(self, method: str, request: Message) -> Any:
        """Return what a method answers; raises gateway.handlers.RowgateError.

        Args:
            method: a unary one: `Method` of the service that is called, or `package.Service/Method`.
            request: of the generated code.

        """
        found = self._method(method)
        body = await self._answer(found, request.DESCRIPTOR.full_name, request.SerializeToString())
        answer = Default().FindMessageTypeByName(str(found.descriptor.output_type.full_name))
        return GetMessageClass(answer).FromString(body)

    def stub(self, make: Callable[[Any], T]) -> T:
        """Return a generated stub (`shop_pb2_grpc.ShopServiceStub`) whose unary methods are as `call`."""
        return make(StubChannel(self._answer_path))

    async def transact(
        self,
        work: Callable[["Rowgate"], Awaitable[T]],
        *,
        isolation: Isolation | None = None,
        read_only: bool = False,
    ) -> T:
        """Carry out `work` in one transaction and commit it; return what it returned.

        What it raises undoes all. It is carried out again after a serialization failure, a deadlock or a lost
        connection, within the deadline, as long as nothing was committed: so it must change nothing but
        through the Rowgate that it is handed. Within a transaction it is a part that is undone by itself.

        Args:
            work: `async def work(rowgate)`.
            isolation: the database's own by default. A part of a transaction has that of the whole.
            read_only: whether PostgreSQL refuses to write in it.

        """
        if self._opened is not None:
            with named_errors():
                async with self._opened.part() as part:
                    return await work(self._within(part))

        async def attempt(transaction: Transaction) -> T:
            with named_errors(), OpenTransaction(transaction).lent() as opened:
                return await work(self._within(opened))

        return await self._part.database.transact(attempt, self._open_call.call, Mode(isolation, read_only))

    async def fetch(self, query: str, **parameters: Any) -> list[dict[str, Any]]:
        """Return the rows of a query of your own, by the names of their columns.

        It is looked at the first time. Raises RefusedQueryError where it touches a table whose policies don't
        hold in it, unless policies are bypassed, or writes one that is audited; and as `call`.

        Args:
            query: one SELECT, VALUES, INSERT, UPDATE, DELETE or MERGE, with `:name` for its parameters.
            parameters: by name; they are bound, and never a part of the text.

        """
        if self._opened is None:
            return await self.transact(lambda within: within.fetch(query, **parameters))
        statements, is_policed = self._parts.statements, self._part.is_policed
        return await statements.fetch(self._opened, query, parameters, is_policed=is_policed)

    def session(self) -> "AbstractAsyncContextManager[AsyncSession]":
        """Return the context of an SQLAlchemy session in this transaction; raises RuntimeError without one.

        Its statements are looked at as those of `fetch`. It is flushed at the end, and undone by what is
        raised inside; commit and rollback are of its own part of the transaction.
        """
        if self._opened is None:
            raise RuntimeError("a session is part of a transaction: open one by transact")
        return self._parts.statements.session(self._opened, is_policed=self._part.is_policed)

    def model(self, message: type[Message]) -> Any:
        """Return the class that SQLAlchemy maps to the table of a message; raises LookupError."""
        return self._parts.statements.model(str(message.DESCRIPTOR.full_name))

    def bypass_policies(self) -> "Rowgate":
        """Return the same for what the caller has no right to: its handler says who may have it.

        No `allow`, rule of rows, column's access, preset or tenant holds, nor any of PostgreSQL's policies
        that doesn't hold for the gateway's own role. Changes are audited as the caller's.
        """
        return Rowgate(self._parts, self._open_call, self._opened, is_policed=False)

    def _within(self, opened: OpenTransaction) -> "Rowgate":
        return Rowgate(self._parts, self._open_call, opened, is_policed=self._part.is_policed)

    def _method(self, name: str) -> Method:
        """Return a method by its name; raises LookupError."""
        service = self._open_call.call.method.rpartition(".")[0]
        full_name = name.replace("/", ".") if "." in name else f"{service}.{name}"
        found = self._part.methods.get(full_name)
        if found is None:
            raise LookupError(
                f"{name} is no method of the gateway's. {suggestion(full_name, self._part.methods)}"
            )
        return found

    async def _answer_path(self, path: str, body: bytes) -> bytes:
        method = self._method(path.removeprefix("/"))
        return await self._answer(method, str(method.descriptor.input_type.full_name), body)

    async def _answer(self, method: Method, message: str, body: bytes) -> bytes:
        part, opened, call = self._part, self._opened, self._open_call.call
        steps = part.alone if opened is None else part.steps
        if steps is None:
            return await self.transact(lambda within: within._answer(method, message, body))  # noqa: SLF001 - itself
        sent = transactions_pb2.Step(method=method.full_name)
        sent.request.type_url, sent.request.value = f"{_TYPE_URL}{message}", body
        step = await steps.read(sent, (), call, part.admission)
        try:
            if opened is None:
                return (await steps.carry_out(step, (), None)).body
            async with opened.turn(is_policed=part.is_policed) as transaction:
                return (await steps.carry_out(step, (), transaction)).body
        except BaseException as error:
            _note(step, error)
            raise
        finally:
            call.unsettled = call.unsettled or step.call.unsettled
            part.admission.tell(step.record)


def _note(step: Step, error: BaseException) -> None:
    """Note what ended a step, where nothing was noted."""
    if not step.record.code:
        is_cancelled = isinstance(error, asyncio.CancelledError)
        step.record.code = code_pb2.CANCELLED if is_cancelled else code_pb2.INTERNAL
        step.record.reason = "CANCELLED" if is_cancelled else "INTERNAL"
