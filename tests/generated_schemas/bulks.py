"""BulkUpsert and Ingest, done in table and model."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.generated_schemas.model import FAILED, Model, Values
from tests.generated_schemas.table import Answer, Table, checked
from tests.harness.client import RpcFailed

_COUNTS = (
    "inserted_count",
    "updated_count",
    "unchanged_count",
    "ignored_count",
    "failed_count",
    "superseded_count",
)


async def upsert(table: Table, rows: Sequence[Values], options: Mapping[str, Any]) -> None:
    """Upsert rows by one request."""
    request = table.request("BulkUpsert")
    request.rows.extend(map(table.model.message, rows))
    _set_options(request, options)
    _settle(table, rows, options, await table.ask("BulkUpsert", request))


async def ingest(table: Table, rows: Sequence[Values], options: Mapping[str, Any]) -> None:
    """Upsert rows by one chunk of a stream."""
    table.streams += 1
    start, chunk = table.request("Ingest"), table.request("Ingest")
    start.start.stream_id = str(table.streams)
    _set_options(start.start, options)
    chunk.sequence = 1
    chunk.rows.extend(map(table.model.message, rows))
    call = table.client.converse(table.method("Ingest"))
    try:
        answers = [await call.ask(start), await call.ask(chunk), *await call.end()]
    except RpcFailed as failed:
        _settle(table, rows, options, Answer(failure=checked(failed)))
        return
    assert [answer.watermark for answer in answers] == [0, 1]
    _settle(table, rows, options, Answer(answers[1]))


def _set_options(message: Any, options: Mapping[str, Any]) -> None:
    message.on_conflict, message.on_duplicate = options["on_conflict"], options["on_duplicate"]
    message.update_mask.paths.extend(options["update_mask"])
    message.partial_failure, message.outcomes = options["partial_failure"], True


def _settle(table: Table, rows: Sequence[Values], options: Mapping[str, Any], answer: Answer) -> None:
    """Compare an answer with what the model expects, and keep what it then holds."""
    told = list(answer.message.outcomes) if answer.message else []
    trial, expected = _tried(table, rows, options, told)
    if answer.failure:
        may_fail = FAILED in expected and not options["partial_failure"]
        assert may_fail, (str(answer.failure), expected, options, rows)
        return
    message = answer.message
    why = [failure.status.message for failure in message.failures]
    assert told == expected, (told, expected, why, options, rows)
    assert [getattr(message, name) for name in _COUNTS] == [expected.count(o) for o in range(1, 7)]
    assert [failure.index for failure in message.failures] == [
        i for i, outcome in enumerate(expected) if outcome == FAILED
    ]
    table.model = trial.copy()


def _tried(
    table: Table, rows: Sequence[Values], options: Mapping[str, Any], told: Sequence[int]
) -> tuple[Model, Sequence[int]]:
    """Return the model afterwards, and the outcomes: those that were told, where any of the ways has them."""
    tried = []
    for patient, at_once in ((False, False), (False, True), (True, False)):
        way = table.model.copy(at_once=at_once)
        tried.append((way, way.upsert(rows, options, patient=patient)))
    return next((one for one in tried if one[1] == told), tried[0])
