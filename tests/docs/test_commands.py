"""Every command in README.md and docs/ is run, in its order, in a scratch copy of the project."""

import json
import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tests.harness.documents import Block, blocks_of
from tests.harness.preloaded import on_path
from tests.harness.sample import ROOT, free_port

DEFAULT_TARGET = "127.0.0.1:50051"
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SHARED = (".venv", ".tools", "build")
SECONDS = 120


@dataclass
class Terminal:
    """Runs a document's blocks as a reader would, in one folder that `cd` changes.

    Args:
        folder: the working folder.
        own: where servers that the document starts listen.
        programs: the folder of programs that stand for those of the same name.
        target: where its calls go: what takes the place of 127.0.0.1:50051.

    """

    folder: Path
    own: str
    programs: Path
    target: str = ""
    running: list[subprocess.Popen[str]] = field(default_factory=list)
    readers: list[threading.Thread] = field(default_factory=list)

    def run(self, block: Block, status: int = 0) -> str:
        """Run a block to its end; return what it printed."""
        where = self.folder / ".where"
        script = f"set -euo pipefail\ntrap 'pwd > {where}' EXIT\n{self._aimed(block)}"
        done = self._bash(script)
        output, _ = done.communicate(timeout=SECONDS)
        assert done.returncode == status, f"line {block.line}:\n{block.text}\n{output}"
        self.folder = Path(where.read_text().strip())
        where.unlink()
        return output

    def stay(self, block: Block, text: str) -> None:
        """Start a block that stays; return when it has printed the text."""
        self.target = self.own
        process = self._bash(f"exec {self._aimed(block)}")
        self.running.append(process)
        ready, printed = threading.Event(), []

        def read() -> None:
            if process.stdout is not None:
                with process.stdout as lines:
                    for line in lines:
                        printed.append(line)
                        if text in line:
                            ready.set()
            ready.set()

        self.readers.append(threading.Thread(target=read, daemon=True))
        self.readers[-1].start()
        ready.wait(SECONDS)
        assert any(text in line for line in printed), f"line {block.line}:\n{block.text}\n{''.join(printed)}"

    def close(self) -> None:
        """End what stays."""
        for process in reversed(self.running):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(SECONDS)
        for reader in self.readers:
            reader.join(SECONDS)

    def _aimed(self, block: Block) -> str:
        return block.text.replace(DEFAULT_TARGET, self.target or self.own)

    def _bash(self, script: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def _environment(self) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "ROWGATE_"))}
        tools = f"{self.programs}:{ROOT}/.venv/bin:{ROOT}/.tools/bin"
        return own | {"PATH": f"{tools}:{own['PATH']}", "ROWGATE_LISTEN": self.own}


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    copy = tmp_path / "rowgate"
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, tracked.stdout.split("\0")):
        if (ROOT / name).exists():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    for name in SHARED:
        if (ROOT / name).exists():
            (copy / name).symlink_to(ROOT / name)
    programs = tmp_path / "programs"
    programs.mkdir()
    terminal = Terminal(copy, f"127.0.0.1:{free_port()}", on_path(programs))
    yield terminal
    terminal.close()


def _needs_tools(blocks: list[Block]) -> None:
    missing = [
        tool
        for tool in ("grpcurl", "ghz", "helm")
        if any(tool in block.text for block in blocks)
        and not (ROOT / ".tools/bin" / tool).exists()
        and shutil.which(tool) is None
    ]
    if missing:
        pytest.skip(f"{missing} missing: `make tools` and `make test` build them where Go is")


WITH_COMMANDS = [document for document in DOCUMENTS if blocks_of(document)]


@pytest.mark.parametrize("document", WITH_COMMANDS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_work(document: Path, terminal: Terminal, request: pytest.FixtureRequest) -> None:
    blocks = list(blocks_of(document))
    _needs_tools(blocks)
    for block in blocks:
        how, _, rest = block.how.partition(" ")
        if how == "file":
            (terminal.folder / rest).parent.mkdir(parents=True, exist_ok=True)
            (terminal.folder / rest).write_text(block.text)
        elif block.how == "served sample":
            terminal.target = request.getfixturevalue("served_sample").target
        elif how == "background":
            terminal.stay(block, rest.removeprefix("until "))
        elif how == "in":
            _is_tested_in(ROOT / rest, block)
        elif block.language == "console":
            _play(terminal, block, rest if how == "after" else ":")
        else:
            output = terminal.run(block, int(rest.removeprefix("with ") or 0) if how == "fails" else 0)
            if block.answer:
                assert _fits(json.loads(output), json.loads(block.answer)), f"line {block.line}: {output}"


def _play(terminal: Terminal, block: Block, first: str) -> None:
    """Run a console block, and look for the lines that it shows; one that shows an error has to fail."""
    terminal.run(replace(block, text=first))
    for command, shown in block.steps():
        fails = any(line.startswith("Error") for line in shown)
        printed = terminal.run(replace(block, text=command), status=1 if fails else 0)
        lines = ".*".join(re.escape(line).replace("…", ".*") for line in shown)
        assert re.search(lines, printed, re.DOTALL), f"line {block.line}: $ {command}\n{printed}"


def _fits(got: Any, shown: Any) -> bool:
    """Compare an answer with the one that a document shows, where "…" stands for any text."""
    if isinstance(shown, dict):
        return (
            isinstance(got, dict)
            and got.keys() == shown.keys()
            and all(_fits(got[key], shown[key]) for key in shown)
        )
    if isinstance(shown, list):
        return len(got) == len(shown) and all(map(_fits, got, shown))
    return bool(got == shown or (shown == "…" and isinstance(got, str)))


def _is_tested_in(test: Path, block: Block) -> None:
    """Fail unless the named test holds every line of the block."""
    held = test.read_text()
    missing = [line for line in block.text.splitlines() if line.split("  #")[0].strip() not in held]
    assert not missing, f"line {block.line}: {test} does not run {missing}"


def test_readme_has_commands() -> None:
    """The extractor finds something: a change of the fences must not empty the test above."""
    assert ROOT / "README.md" in WITH_COMMANDS
