"""A client that keeps calls in flight, in a process of its own, so that others don't wait for its work.

python -m tests.overload.greedy HOST:PORT PATH IN_FLIGHT DEADLINE CONNECTIONS, with the request in hexadecimal
digits and the authorization as the first lines of its standard input. It calls until that ends.
"""

import asyncio
import sys

from tests.overload.load import Clients


async def main(target: str, path: str, in_flight: int, deadline: float, connections: int) -> None:
    """Call until standard input ends."""
    body = bytes.fromhex(await asyncio.to_thread(sys.stdin.readline))
    authorization = (await asyncio.to_thread(sys.stdin.readline)).strip()
    async with Clients(target, connections, authorization) as clients:
        calls = asyncio.create_task(clients.keep(path, body, in_flight=in_flight, deadline=deadline))
        await asyncio.to_thread(sys.stdin.read)
        calls.cancel()
        await asyncio.gather(calls, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5])))
