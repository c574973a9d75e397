"""A client of Ingest in a process of its own, so that it can be killed.

    python -m tests.soak.ingest_client TARGET STREAM_ID ROWS CHUNK

Sends rows 1 to ROWS in chunks, two of them under way, and prints each watermark that it is told. Goes on by
itself after a call that ended early; ends when all rows are acknowledged.
"""

import asyncio
import sys
from collections.abc import Iterator
from typing import Any

import click
import grpc

from tests.harness.client import Client, Conversation, RpcFailed
from tests.harness.gateway import descriptors_of

INGEST = "flow.v1.EventService/IngestEvents"
UNDER_WAY = 2
PAUSE = 0.05
"""Seconds before a call that ended early is made again."""
PASSING = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.UNKNOWN,
}
"""How calls end whose gateway or database went away."""


class Sender:
    """Sends the rows of one stream.

    Args:
        client: the gateway's.
        stream: the stream's name.
        rows: how many rows there are.
        chunk: rows of one chunk.

    """

    def __init__(self, client: Client, stream: str, rows: int, chunk: int) -> None:
        self._client = client
        self._stream = stream
        self._rows = rows
        self._chunk = chunk
        self._last = -(-rows // chunk)

    async def run(self) -> None:
        """Send until all is acknowledged; raises RpcFailed for what won't pass by itself."""
        while True:
            try:
                await self._attempt(self._client.converse(INGEST, timeout=3600))
            except RpcFailed as error:
                if error.code not in PASSING:
                    raise
                click.echo(f"again {error.code.name} {error.reason}")
                await asyncio.sleep(PAUSE)
            else:
                return

    async def _attempt(self, talk: Conversation) -> None:
        # A row that is written twice is refused, which no retry mends.
        start = {"stream_id": self._stream, "on_conflict": "ON_CONFLICT_FAIL"}
        acknowledged = _told(await talk.ask(start=start))
        sent = acknowledged
        while acknowledged < self._last:
            while sent < min(acknowledged + UNDER_WAY, self._last):
                sent += 1
                await talk.send(self._request(sent))
            acknowledged = _told(await anext(talk))
        await talk.end()

    def _request(self, sequence: int) -> Any:
        request = self._client.message("flow.v1.IngestEventsRequest")
        request.sequence = sequence
        for number in self._numbers(sequence):
            request.events.add(id=number, name=f"event {number}", amount=7 * number)
        return request

    def _numbers(self, sequence: int) -> Iterator[int]:
        first = (sequence - 1) * self._chunk + 1
        return iter(range(first, min(first + self._chunk, self._rows + 1)))


def _told(answer: Any) -> int:
    click.echo(answer.watermark)
    return int(answer.watermark)


async def _main(target: str, stream: str, rows: str, chunk: str) -> None:
    client = Client(target, descriptors_of("flow"))
    try:
        await Sender(client, stream, int(rows), int(chunk)).run()
    finally:
        await client.close()


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
