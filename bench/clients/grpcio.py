"""Calls a method by grpcio, which is C-core, as bench/clients/README.md says."""

import asyncio
import json
import secrets
import sys
from collections import Counter
from collections.abc import Sequence
from itertools import cycle, repeat
from pathlib import Path

import grpc


async def main(target: str, method: str, requests: Sequence[bytes], *rest: str) -> None:
    """Call, and print how many calls ended with which code."""
    calls, in_flight, authorization = rest
    sent = cycle(requests)
    left, counts = repeat(None, int(calls)), Counter[int]()
    async with grpc.aio.insecure_channel(target) as channel:
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)

        async def caller() -> None:
            for _ in left:
                trace = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
                metadata = (("traceparent", trace), ("authorization", authorization))
                try:
                    await call(next(sent), timeout=20, metadata=metadata)
                    counts[0] += 1
                except grpc.aio.AioRpcError as error:
                    counts[error.code().value[0]] += 1

        await asyncio.gather(*(caller() for _ in range(int(in_flight))))
    print(json.dumps(counts))


if __name__ == "__main__":
    _, to, path, file, *others = sys.argv
    ready = [bytes.fromhex(line) for line in Path(file).read_text().splitlines()]
    asyncio.run(main(to, path, ready, *others))
