"""h2spec: HTTP/2 as RFC 9113 has it, where it is spoken by our own code."""

import asyncio
import re
from asyncio.subprocess import PIPE, create_subprocess_exec
from collections.abc import Callable

from tests.harness.mounted import mounted
from tests.harness.tools import tool

_COUNTS = re.compile(r"(\d+) tests, (\d+) passed, \d+ skipped, \d+ failed")
_CASES = 145


async def test_every_case_passes(tell: Callable[[str], None]) -> None:
    async with mounted("tests.interop.service", "http") as server:
        # Seconds within which the server has to answer what it has to answer.
        flags = ("--host", "127.0.0.1", "--port", str(server.port), "--timeout", "5")
        process = await create_subprocess_exec(str(tool("h2spec")), *flags, stdout=PIPE)
        async with asyncio.timeout(100):
            printed, _ = await process.communicate()
    counts = _COUNTS.search(printed.decode())
    assert counts is not None, printed
    total, passed = map(int, counts.groups())
    tell(f"h2spec over http2: {passed} of {total} passed")
    assert (total, passed) == (_CASES, total), printed.decode()
