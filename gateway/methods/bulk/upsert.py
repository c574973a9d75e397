"""BulkUpsert: many rows inserted or updated by key, each with an outcome."""

from google.protobuf.message import Message

from gateway.db.database import Transaction
from gateway.methods.bulk.options import OptionReader
from gateway.methods.bulk.response import Answers
from gateway.methods.bulk.row_writer import Upserts
from gateway.methods.engine import Engine
from gateway.methods.idempotent import Writes
from gateway.request.calls.call import Call
from gateway.schema.model import StandardMethod


class BulkUpsert:
    """Atomic unless partial_failure.

    The rows of each key but the last are superseded (on_duplicate), a soft-deleted row is restored
    by an update, a row that is stored as sent is not written. Raises one error for all refused
    rows, which names the first ones.
    """

    def __init__(self, method: StandardMethod, engine: Engine) -> None:
        names = {role: field.name for role, field in method.request.items()}
        rows = names["rows"]
        self._options = OptionReader(method.resource, names, engine.rules_of(method.resource))
        self._writes = Writes(method, engine)
        self._answers = Answers(method, rows)
        self._upserts = Upserts(method, engine)

    async def __call__(self, request: Message, call: Call) -> Message:
        """Return the counts, the failures and the outcomes."""
        options = self._options(request)
        rows = self._upserts.rows(request)

        async def work(transaction: Transaction) -> Message:
            tally = await self._upserts.write(transaction, rows, options)
            if tally.failures and not options.partial:
                raise self._answers.refusal(tally, rows)
            return await self._answers.answer(tally, rows, outcomes=options.outcomes)

        async with self._upserts.turns:
            return await self._writes.atomically(request, call, work)
