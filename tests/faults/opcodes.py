"""Faults at the calls and awaits of some modules, by a tracer: it finds them as they run, without a list."""

import asyncio
import dis
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from tests.faults.late import Injected, fail, hold_up

CALLS = frozenset({"CALL", "CALL_FUNCTION_EX"})
AWAITS = frozenset({"SEND"})
"""Where an await begins, and wherever it goes on."""

Site = tuple[str, str, int]
"""The end of a file's path, a function's name, and the offset of the instruction in it."""
_PARTS = 3
"""Of a file's path: several files are called alike."""


def _raise(_frame: FrameType) -> None:
    raise Injected


def _cancel(_frame: FrameType) -> None:
    """Cancel the task that runs: it meets that at the next await that has to wait."""
    task = asyncio.current_task()
    if task is not None:
        task.cancel()


Acts = Mapping[str, Callable[[FrameType], None]]

ACTS: Acts = {
    "exception": _raise,
    "cancellation": _cancel,
    "failure": fail,
    "delay": hold_up,
}
"""What can be done at a site."""


@dataclass(frozen=True)
class Fault:
    """What is done, where, and which time."""

    act: str
    site: Site
    nth: int


class Tracer:
    """Counts the calls or awaits of the modules below some folders, and may act at one of them.

    Args:
        folders: the modules' folders.
        names: of the instructions: CALLS, AWAITS or both.
        fault: what it does; None for nothing.
        acts: what can be done.

    """

    def __init__(
        self, folders: Sequence[Path], names: frozenset[str], fault: Fault | None = None, acts: Acts = ACTS
    ) -> None:
        self._acts = acts
        self._folders = tuple(map(str, folders))
        self._names = names
        self._fault = fault
        self._left = fault.nth if fault else 0
        self._steps: dict[int, Any] = {}
        self.seen: dict[Site, int] = {}
        """How often each site was come by."""

    @contextmanager
    def tracing(self) -> Iterator[None]:
        """Trace what this thread begins meanwhile."""
        before = sys.gettrace()
        sys.settrace(self._enter)
        try:
            yield
        finally:
            sys.settrace(before)

    def _enter(self, frame: FrameType, event: str, _: Any) -> Any:
        code = frame.f_code
        if event != "call" or not code.co_filename.startswith(self._folders):
            return None
        # By identity: a code's hash is dear.
        if id(code) not in self._steps:
            self._steps[id(code)] = self._step(code)
        step = self._steps[id(code)]
        if step is not None:
            frame.f_trace_opcodes = True
            frame.f_trace_lines = False
        return step

    def _step(self, code: CodeType) -> Any:
        """Return what is called before each instruction of the code; None where no site of it matters."""
        file = "/".join(Path(code.co_filename).parts[-_PARTS:])
        found = {
            one.offset: (file, code.co_qualname, one.offset)
            for one in dis.get_instructions(code)
            if one.opname in self._names
        }
        sites = {at: site for at, site in found.items() if not self._fault or site == self._fault.site}
        if not sites:
            return None

        def step(frame: FrameType, event: str, _: Any) -> Any:
            if event == "opcode" and frame.f_lasti in sites:
                self._come_by(sites[frame.f_lasti], frame)
            return step

        return step

    def _come_by(self, site: Site, frame: FrameType) -> None:
        self.seen[site] = self.seen.get(site, 0) + 1
        if self._fault is not None and site == self._fault.site:
            self._left -= 1
            if not self._left:
                sys.settrace(None)
                self._acts[self._fault.act](frame)


def faults(sites: Mapping[Site, int], acts: Sequence[str], *, every: int = 1) -> Iterator[Fault]:
    """Yield each act at each site, when it is come by first, again and last; or one of every few of these."""
    found = [
        Fault(act, site, nth)
        for site, often in sorted(sites.items())
        for act in acts
        for nth in sorted({1, min(2, often), often})
    ]
    yield from found[::every]
