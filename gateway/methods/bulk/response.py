"""The answer of a bulk upsert, or the one error that names its bad rows."""

from collections.abc import Sequence

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.db.bulk.outcomes import Outcome, Outcomes
from gateway.errors import FieldViolation, InvalidArgument, RowgateError
from gateway.errors.status import to_status
from gateway.methods.error_mapping import map_error, with_details
from gateway.methods.event_loop_turns import Turns
from gateway.request.keys import Key, message_key_reader
from gateway.schema.model import StandardMethod

MAX_NAMED = 20
"""The most rows that one error names; `failed_rows` in its metadata counts all."""
MAX_FAILURES = 10_000
"""The most failures that one answer tells; failed_count counts all."""

_COUNTS = {
    "inserted_count": Outcome.INSERTED,
    "updated_count": Outcome.UPDATED,
    "unchanged_count": Outcome.UNCHANGED,
    "ignored_count": Outcome.IGNORED,
    "superseded_count": Outcome.SUPERSEDED,
    "failed_count": Outcome.FAILED,
}


class Answers:
    """Makes the answers of one method."""

    def __init__(self, method: StandardMethod, path: str) -> None:
        self._resource = method.resource
        self._key = message_key_reader(method.resource)
        self._message = GetMessageClass(method.descriptor.output_type)
        self._roles = method.response
        self._path = path

    async def answer(self, tally: Outcomes, rows: Sequence[Message], *, outcomes: bool) -> Message:
        """Return the response: counts, failures and, where asked for, outcomes."""
        message = self._message()
        for role, outcome in _COUNTS.items():
            if role in self._roles:
                setattr(message, self._roles[role].name, tally.count(outcome))
        if outcomes and "outcomes" in self._roles:
            getattr(message, self._roles["outcomes"].name).extend(tally.outcomes)
        if "failures" in self._roles:
            await self._add_failures(getattr(message, self._roles["failures"].name), tally, rows)
        return message

    async def _add_failures(
        self, failures: "list[Message]", tally: Outcomes, rows: Sequence[Message]
    ) -> None:
        turns = Turns()
        for index in sorted(tally.failures)[:MAX_FAILURES]:
            error = self._row_error(tally, rows, index)
            added = failures.add(index=index)  # type: ignore[attr-defined]  # a repeated message field
            added.status.ParseFromString(to_status(error).SerializeToString())
            await turns.give()

    def refusal(self, tally: Outcomes, rows: Sequence[Message]) -> RowgateError:
        """Return the one error of a request that is refused whole; it names the first bad rows."""
        indexes = sorted(tally.failures)
        shown = [self._row_error(tally, rows, index) for index in indexes[:MAX_NAMED]]
        violations = [violation for error in shown for violation in error.violations][:MAX_NAMED]
        first = shown[0]
        count = len(indexes)
        place = f"{self._path}[{indexes[0]}]"
        message = f"{count} of {len(tally.outcomes)} rows are refused, so none is written: "
        said = first.message if first.message.startswith(place) else f"{place} {first.message}"
        return type(first)(
            f"{message}{said}"[:512],
            reason=first.reason,
            metadata={**first.metadata, "failed_rows": str(count)},
            violations=violations,
            resources=[resource for error in shown for resource in error.resources],
        )

    def _row_error(self, tally: Outcomes, rows: Sequence[Message], index: int) -> RowgateError:
        """Return a row's error with a violation that names at least the row."""
        path = f"{self._path}[{index}]"
        error = map_error(tally.failures[index], self._resource, path, self._key_of(rows[index]))
        if error.violations:
            return error
        return with_details(error, violations=[FieldViolation(path, error.message, error.reason)])

    def _key_of(self, row: Message) -> Key | None:
        """Return the row's key; None where it has none that can be read."""
        try:
            return self._key(row, "")
        except InvalidArgument:
            return None
