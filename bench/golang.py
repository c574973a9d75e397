"""Builds what is written in Go: the load generator, and the Go service."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from bench.datasets import DATASETS
from gateway.schema.protos.sources import compile_protos

FOLDER = Path(__file__).parent
BUILD = FOLDER / "build"
_SECONDS = 600
_PLUGINS = ("google.golang.org/protobuf/cmd/protoc-gen-go", "google.golang.org/grpc/cmd/protoc-gen-go-grpc")
_MODULE = "rowgate/bench"
_PACKAGES = ("flights", "items", "rowgate")
"""The folders of protos whose stubs are made here: a Go package each. Others are modules that Go fetches."""


class NoGoError(Exception):
    """There is no Go, or it can't build: what needs it is left out."""


def build() -> Path:
    """Build the programs, and the stubs that they need; return their folder. Raises NoGoError."""
    go = shutil.which("go")
    if go is None:
        raise NoGoError("there is no Go here")
    BUILD.mkdir(exist_ok=True)
    _run(go, "build", "-o", f"{BUILD}/", *_PLUGINS)
    _make_stubs()
    _run(go, "build", "-o", str(BUILD / "load"), "./load")
    _run(go, "build", "-o", str(BUILD / "go_service"), "./peers/go")
    return BUILD


def _make_stubs() -> None:
    sets = [compile_protos(dataset.protos) for dataset in DATASETS]
    listed = []
    for dataset, files in zip(DATASETS, sets, strict=True):
        listed.append(str(BUILD / f"{dataset.table}.binpb"))
        Path(listed[-1]).write_bytes(files.SerializeToString())
    packages = _packages({file.name for files in sets for file in files.file})
    options = ",".join(
        [f"module={_MODULE}", *(f"M{file}={_MODULE}/build/{name};{name}" for file, name in packages.items())]
    )
    _run(
        *(sys.executable, "-m", "grpc_tools.protoc", f"--descriptor_set_in={os.pathsep.join(listed)}"),
        *(f"--plugin={BUILD / plugin.rpartition('/')[2]}" for plugin in _PLUGINS),
        *(f"--go_out={FOLDER}", f"--go_opt={options}"),
        *(f"--go-grpc_out={FOLDER}", f"--go-grpc_opt={options}"),
        *packages,
    )


def _packages(files: Iterable[str]) -> dict[str, str]:
    """Return the Go package of each file's stubs."""
    folders = {file: file.partition("/")[0] for file in sorted(files)}
    return {file: folder for file, folder in folders.items() if folder in _PACKAGES}


def _run(*command: str) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - ours
            command, cwd=FOLDER, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise NoGoError(f"{command[0]} took longer than {_SECONDS} s") from error
    if done.returncode:
        raise NoGoError(f"{' '.join(command[:3])} … failed:\n{done.stderr}")


if __name__ == "__main__":
    print(build())
