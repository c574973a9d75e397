"""Runs other people's programs."""

import asyncio
from asyncio.subprocess import PIPE


async def output(*command: str) -> str:
    """Run a program and return what it prints. Raises RuntimeError, with its complaint, where it fails."""
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    try:
        printed, complaint = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}: {complaint.decode().strip()}")
    return printed.decode()
