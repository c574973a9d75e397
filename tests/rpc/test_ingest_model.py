"""Ingest, whatever its client does: what is stored is the chunks up to the watermark, each once."""

import itertools
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import GatewayFor
from tests.harness.client import Conversation, RpcFailed
from tests.rpc.readside import Stored

INGEST = "flow.v1.EventService/IngestEvents"
SPACE = 1000
"""Ids of one example."""
CHUNK = 3
_examples = itertools.count()

STEPS = st.sampled_from(["next", "next ahead", "again", "gap", "bad row", "cut", "cut at once", "rival"])


@pytest.fixture(scope="module")
async def stored(module_gateway_for: GatewayFor) -> Stored:
    return Stored(await module_gateway_for("flow"))


class Player:
    """A client that knows what must be stored at least, and at most, and does as the steps say."""

    def __init__(self, stored: Stored, example: int) -> None:
        self._gateway = stored.gateway
        self._example = example
        self._talk: Conversation = self._gateway.client.converse(INGEST)
        self.told = 0
        self.sent = 0

    async def play(self, steps: Sequence[str]) -> None:
        """Do the steps, and come to know the watermark at last."""
        await self._begin()
        for step in steps:
            await getattr(self, step.replace(" ", "_"))()
        await self._connect()

    async def next(self) -> None:
        """Send the next chunk, and wait for its answer."""
        assert (await self._ask(self.told + 1)).watermark == self.told + 1
        self.told += 1

    async def next_ahead(self) -> None:
        """Send two chunks before either is answered."""
        for sequence in (self.told + 1, self.told + 2):
            await self._talk.send(sequence=sequence, events=self._rows(sequence))
        self.sent = max(self.sent, self.told + 2)
        for _ in range(2):
            self.told += 1
            assert (await anext(self._talk)).watermark == self.told

    async def again(self) -> None:
        """Send what is stored already."""
        if self.told:
            answer = await self._ask(1)
            assert (answer.watermark, answer.inserted_count) == (self.told, 0)

    async def gap(self) -> None:
        """Leave a chunk out."""
        await self._refused("SEQUENCE_GAP", self.told + 2, self._rows(self.told + 2))

    async def bad_row(self) -> None:
        """Send a chunk whose last row breaks a rule."""
        rows = [*self._rows(self.told + 1)[:-1], {"id": -1, "amount": -1}]
        await self._refused("CHECK_VIOLATION", self.told + 1, rows)

    async def cut(self) -> None:
        """Go away, and come back."""
        self._talk.call.cancel()
        await self._connect()

    async def cut_at_once(self) -> None:
        """Go away right after a chunk was sent: whether it is stored, the first answer tells."""
        await self._talk.send(sequence=self.told + 1, events=self._rows(self.told + 1))
        self.sent = max(self.sent, self.told + 1)
        await self.cut()

    async def rival(self) -> None:
        """Take the stream from a call that knows nothing of it."""
        earlier = self._talk
        await self._connect()
        await self.next()
        self._talk, later = earlier, self._talk
        with pytest.raises(RpcFailed) as failed:
            await self._talk.ask(sequence=self.told, events=self._rows(self.told))
        assert failed.value.reason == "STREAM_TAKEN_OVER"
        self._talk = later

    async def _connect(self) -> None:
        self._talk = self._gateway.client.converse(INGEST)
        await self._begin()

    async def _begin(self) -> None:
        start = {"stream_id": str(self._example), "on_conflict": "ON_CONFLICT_FAIL"}
        watermark = (await self._talk.ask(start=start)).watermark
        assert self.told <= watermark <= max(self.told, self.sent)
        self.told = watermark

    async def _ask(self, sequence: int) -> Any:
        self.sent = max(self.sent, sequence)
        return await self._talk.ask(sequence=sequence, events=self._rows(sequence))

    async def _refused(self, reason: str, sequence: int, rows: list[dict[str, Any]]) -> None:
        with pytest.raises(RpcFailed) as failed:
            await self._talk.ask(sequence=sequence, events=rows)
        assert failed.value.reason == reason
        await self._connect()

    def _rows(self, sequence: int) -> list[dict[str, Any]]:
        first = self._example * SPACE + (sequence - 1) * CHUNK
        return [{"id": number, "name": str(sequence)} for number in range(first, first + CHUNK)]


@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEPS, max_size=12))
async def test_what_is_told_is_stored_and_nothing_else(stored: Stored, steps: list[str]) -> None:
    example = next(_examples)
    player = Player(stored, example)
    await player.play(steps)
    first = example * SPACE
    rows = await stored.sql(
        "SELECT id, version FROM event WHERE id >= $1 AND id < $2 ORDER BY id", first, first + SPACE
    )
    expected = range(first, first + player.told * CHUNK)
    assert [(row["id"], row["version"]) for row in rows] == [(number, 1) for number in expected]
