"""A Dockerfile, carried out without Docker: its steps are plain processes that see a folder as their root."""

import json
import re
import shlex
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.deploy.namespaces import Namespaces
from tests.harness.sample import ROOT

DOCKERFILE = ROOT / "deploy" / "Dockerfile"
IGNORED = ROOT / ".dockerignore"
_CONTINUED = re.compile(r"\\\n")
_COMMENT = re.compile(r"^\s*#.*\n", re.MULTILINE)


@dataclass(slots=True)
class Stage:
    """A stage of a Dockerfile.

    Args:
        base: the image it begins with.
        name: what others call it; empty for the last one.
        steps: its COPY and RUN lines, in their order, each with the folder that it works in.
        said: what its other lines say, by their first word, the last of each.
        environment: of its processes.

    """

    base: str
    name: str = ""
    steps: list[tuple[str, str, str]] = field(default_factory=list)
    said: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def user(self) -> tuple[int, int]:
        """Whose its processes are: user and group."""
        user, _, group = self.said["USER"].partition(":")
        return int(user), int(group)

    @property
    def health(self) -> Sequence[str]:
        """The command that tells whether it is well."""
        return self.words("HEALTHCHECK", self.said["HEALTHCHECK"].partition(" CMD ")[2])

    @property
    def command(self) -> Sequence[str]:
        """What runs where nobody says another thing."""
        return (*self.words("ENTRYPOINT"), *self.words("CMD"))

    def words(self, what: str, text: str = "") -> Sequence[str]:
        """Return a line that is a JSON list: a shell would take the signals instead."""
        said: Any = json.loads(text or self.said[what])
        return tuple(said)


def read_stages(path: Path = DOCKERFILE) -> Sequence[Stage]:
    """Return the stages of a Dockerfile, in its order."""
    stages: list[Stage] = []
    for word, rest in _lines(path.read_text()):
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            stages.append(Stage(base, name))
            continue
        stage = stages[-1]
        if word in {"COPY", "RUN"}:
            stage.steps.append((word, rest, stage.said.get("WORKDIR", "/")))
        elif word == "ENV":
            stage.environment |= dict(pair.split("=", 1) for pair in shlex.split(rest))
        else:
            stage.said[word] = rest
    return stages


def _lines(text: str) -> Iterator[tuple[str, str]]:
    joined = _CONTINUED.sub(" ", _COMMENT.sub("", text))
    for line in filter(None, map(str.strip, joined.splitlines())):
        word, _, rest = line.partition(" ")
        yield word, " ".join(rest.split())


def allowed_in_context() -> frozenset[str]:
    """Return the paths that .dockerignore lets into a build."""
    lines = IGNORED.read_text().splitlines()
    assert "*" in lines
    return frozenset(line[1:] for line in lines if line.startswith("!"))


@dataclass(frozen=True, slots=True)
class Image:
    """What a Dockerfile makes.

    Args:
        stage: its last one.
        root: its files, without those of the base image.

    """

    stage: Stage
    root: Path


def build(folder: Path, environment: Mapping[str, str]) -> Image:
    """Carry out each stage in a folder of its own; the last one's is the image.

    Args:
        folder: where; nothing is in it.
        environment: what package managers need to know of this machine's network.

    """
    roots: dict[str, Path] = {}
    stages = read_stages()
    for number, stage in enumerate(stages):
        root = folder / (stage.name or f"stage-{number}")
        roots[stage.name] = root
        for word, rest, place in stage.steps:
            (root / place.lstrip("/")).mkdir(parents=True, exist_ok=True)
            if word == "COPY":
                _copy(rest, root, place, roots)
            else:
                Namespaces(root, writable=True).run(
                    "/bin/sh", "-euc", rest, place=place, environment=environment
                )
        (root / stage.said["WORKDIR"].lstrip("/")).mkdir(parents=True, exist_ok=True)
    return Image(stages[-1], root)


def _copy(arguments: str, root: Path, place: str, roots: Mapping[str, Path]) -> None:
    """Carry out a COPY."""
    (*flags,) = (word for word in arguments.split() if word.startswith("--"))
    *sources, target = (word for word in arguments.split() if not word.startswith("--"))
    source_root = ROOT
    for flag in flags:
        assert flag.startswith("--from="), flag
        source_root = roots[flag.removeprefix("--from=")]
    for source in sources:
        if source_root is ROOT:
            assert source in allowed_in_context(), f"{source} isn't let in by .dockerignore"
        at = root / (Path(place) / target).as_posix().lstrip("/")
        origin = source_root / source.lstrip("/")
        if origin.is_dir():
            shutil.copytree(origin, at, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            at.mkdir(parents=True, exist_ok=True)
            shutil.copy2(origin, at / origin.name)
