"""Ingest: rows as a stream of chunks, each stored once, whatever is lost on the way."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import uuid4

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from rowgate.v1 import ingest_pb2

from gateway.db.bulk.outcomes import Outcomes
from gateway.db.database import Transaction
from gateway.db.internal_tables.watermarks import IngestStream, Progress, Watermarks
from gateway.errors import InvalidArgument
from gateway.methods.bulk.options import OptionReader, Options
from gateway.methods.bulk.response import Answers
from gateway.methods.bulk.row_writer import Upserts
from gateway.methods.caller_key import CallerKey
from gateway.methods.engine import Engine
from gateway.methods.handlers import Piece
from gateway.request.calls.call import Call
from gateway.schema.model import StandardMethod

MAX_STREAM_ID = 128
"""The most characters of a stream's name."""

MAX_SECRET = 1024
"""The most characters of a stream's secret."""

_OPTIONS = {field.name: field.name for field in ingest_pb2.IngestStart.DESCRIPTOR.fields}


@dataclass(frozen=True, slots=True)
class Started:
    """A stream that this call owns, and its options."""

    stream: IngestStream
    options: Options


class Ingest:
    """Answers how far the stream has come, then each chunk when it is committed.

    A chunk's rows and the watermark that tells of them are one transaction. So a client that lost its
    connection, or never learnt of a COMMIT, comes back and is told what is stored. The next chunk is read
    when the last one has been answered: PostgreSQL's pace is the client's.
    """

    def __init__(self, method: StandardMethod, engine: Engine) -> None:
        roles = {role: field.name for role, field in method.request.items()}
        self._start, self._sequence, self._rows = roles["start"], roles["sequence"], roles["rows"]
        self._options = OptionReader(
            method.resource, _OPTIONS, engine.rules_of(method.resource), prefix=f"{self._start}."
        )
        self._database = engine.database
        self._require_own_tables = engine.require_own_tables
        self._watermarks = Watermarks()
        self._caller_key = CallerKey(method.resource, engine)
        self._answers = Answers(method, self._rows)
        self._upserts = Upserts(method, engine)
        self._response = GetMessageClass(method.descriptor.output_type)
        self._watermark = method.response["watermark"].name

    async def __call__(self, requests: AsyncIterator[Message], call: Call) -> AsyncGenerator[Piece, None]:
        """Yield the answers, one for each message."""
        self._require_own_tables("Ingest")
        started = await self._begin(requests, call)
        progress = await self._take(started.stream, call)
        yield Piece(progress.answer or self._bare(progress.watermark))
        async for request in requests:
            sequence = self._checked_sequence(request, progress.watermark)
            if sequence > progress.watermark:
                progress = await self._store(started, request, sequence, call)
                yield Piece(progress.answer, len(getattr(request, self._rows)))
            else:
                yield Piece(self._bare(progress.watermark))

    async def _begin(self, requests: AsyncIterator[Message], call: Call) -> Started:
        first = await anext(requests, None)
        if first is None or not first.HasField(self._start):
            raise InvalidArgument.field(
                self._start, "is missing: the first message holds it", reason="START_REQUIRED"
            )
        if getattr(first, self._rows) or getattr(first, self._sequence):
            raise InvalidArgument.field(
                self._start, "comes alone: send rows in the messages after it", reason="START_NOT_ALONE"
            )
        return self._read_start(getattr(first, self._start), call)

    def _read_start(self, start: Any, call: Call) -> Started:
        if not 0 < len(start.stream_id) <= MAX_STREAM_ID or "\0" in start.stream_id:
            raise InvalidArgument.field(
                f"{self._start}.stream_id",
                f"must have 1 to {MAX_STREAM_ID} characters, none of them NUL",
                reason="INVALID_STREAM_ID",
            )
        if len(start.secret) > MAX_SECRET:
            raise InvalidArgument.field(
                f"{self._start}.secret",
                f"has {len(start.secret)} characters; at most {MAX_SECRET} are allowed",
                reason="INVALID_STREAM_SECRET",
            )
        secret = sha256(start.secret.encode()).digest() if start.secret else b""
        options = type(start)()
        options.CopyFrom(start)
        options.ClearField("secret")
        caller_key = self._caller_key(call.principal)
        digest = sha256(options.SerializeToString(deterministic=True) + caller_key).digest()
        stream = IngestStream(call.principal.name, call.method, start.stream_id, digest, secret, uuid4())
        return Started(stream, self._options(start))

    def _checked_sequence(self, request: Message, watermark: int) -> int:
        if request.HasField(self._start):
            raise InvalidArgument.field(
                self._start, "was sent already: only the first message holds it", reason="START_REPEATED"
            )
        sequence = int(getattr(request, self._sequence))
        if not 0 < sequence <= watermark + 1:
            raise InvalidArgument.field(
                self._sequence,
                f"is {sequence}, but {watermark + 1} comes next: chunks are numbered from 1, without a gap",
                reason="SEQUENCE_GAP",
            )
        return sequence

    async def _take(self, stream: IngestStream, call: Call) -> Progress:
        async def work(transaction: Transaction) -> Progress:
            return await self._watermarks.take(transaction, stream)

        return await self._database.transact_once(work, call)

    async def _store(self, started: Started, request: Message, sequence: int, call: Call) -> Progress:
        rows = self._upserts.rows(request)

        async def work(transaction: Transaction) -> Progress:
            stored = await self._watermarks.lock(transaction, started.stream)
            if stored.watermark >= sequence:
                return stored
            tally = await self._upserts.write(transaction, rows, started.options)
            if tally.failures and not started.options.partial:
                raise self._answers.refusal(tally, rows)
            answer = await self._answer(tally, rows, started.options, sequence)
            await self._watermarks.advance(transaction, started.stream, sequence, answer)
            return Progress(sequence, answer)

        async with self._upserts.turns:
            return await self._database.transact_once(work, call)

    async def _answer(
        self, tally: Outcomes, rows: Sequence[Message], options: Options, sequence: int
    ) -> bytes:
        answer = await self._answers.answer(tally, rows, outcomes=options.outcomes)
        setattr(answer, self._watermark, sequence)
        return answer.SerializeToString()

    def _bare(self, watermark: int) -> bytes:
        return self._response(**{self._watermark: watermark}).SerializeToString()
