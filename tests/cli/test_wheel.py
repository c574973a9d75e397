"""The wheel: what who installs it finds."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.harness.sample import ROOT


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[frozenset[str]]:
    """Build the wheel; give the paths in it."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with ZipFile(wheel) as opened:
        yield frozenset(opened.namelist())


def test_both_packages_say_that_they_are_typed(files: frozenset[str]) -> None:
    """As PEP 561 asks; `rowgate` is a namespace, so it is said in `rowgate.v1`."""
    assert {"gateway/py.typed", "rowgate/v1/py.typed"} <= files


def test_stubs_and_protos_stand_beside_the_generated_code(files: frozenset[str]) -> None:
    generated = {path.removesuffix("_pb2.py") for path in files if path.endswith("_pb2.py")}
    assert generated
    for stem in generated:
        assert {f"{stem}_pb2.pyi", f"{stem}.proto"} <= files


def test_all_of_the_gateway_and_nothing_of_the_sample_is_in_it(files: frozenset[str]) -> None:
    asked = ["git", "ls-files", "gateway"]
    tracked = subprocess.run(asked, cwd=ROOT, capture_output=True, check=True, text=True)
    assert set(tracked.stdout.split()) <= files
    roots = {Path(path).parts[0] for path in files}
    assert {root for root in roots if not root.endswith(".dist-info")} == {"gateway", "rowgate"}
