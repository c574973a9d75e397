"""`rowgate protos`: what it writes, what it leaves alone, and buf's word that the files are whole."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from gateway.cli.protos import protos
from tests.harness.process import ROWGATE, environment
from tests.harness.sample import ROOT

SCHEMA = """
syntax = "proto3";
package shop.v1;
import "google/api/annotations.proto";
import "google/api/field_behavior.proto";
import "google/rpc/error_details.proto";
import "google/type/money.proto";
import "rowgate/v1/annotations.proto";
import "rowgate/v1/bulk.proto";
import "rowgate/v1/count.proto";
import "rowgate/v1/ingest.proto";
message Product {
  option (rowgate.v1.table) = {primary_key: "sku"};
  string sku = 1;
}
"""


def rowgate(*args: str) -> tuple[int, str, str]:
    """Run `rowgate protos`; return its status, output and errors."""
    done = CliRunner().invoke(protos, args)
    return done.exit_code, done.stdout, done.stderr


def texts(folder: Path) -> dict[str, str]:
    """Return the files of a folder, but for what Python keeps beside its own."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.parent.name != "__pycache__"]
    return {str(path.relative_to(folder)): path.read_text() for path in files}


def test_it_writes_two_modules_and_then_nothing(tmp_path: Path) -> None:
    status, out, errors = rowgate(str(tmp_path))
    assert (status, errors) == (0, "")
    assert out.endswith(f"buf.yaml:\n  - path: {tmp_path}/rowgate\n  - path: {tmp_path}/googleapis\n")
    written = texts(tmp_path)
    for name, text in texts(ROOT / "protos" / "rowgate").items():
        assert written.pop(f"rowgate/rowgate/{name}") == text
    assert written == {f"googleapis/{k}": v for k, v in texts(ROOT / "generated" / "googleapis").items()}
    status, out, _ = rowgate(str(tmp_path))
    assert (status, out.splitlines()[0]) == (0, "the modules for buf.yaml:")


def test_it_overwrites_nothing_unasked(tmp_path: Path) -> None:
    rowgate(str(tmp_path))
    changed, lost = tmp_path / "rowgate/rowgate/v1/bulk.proto", tmp_path / "rowgate/rowgate/v1/count.proto"
    own = tmp_path / "googleapis/google/api/client.proto"
    whole = texts(tmp_path)
    for file in (changed, own):
        file.write_text("// ours\n")
    lost.unlink()

    told = "these differ from Rowgate's: rowgate/rowgate/v1/bulk.proto"
    status, out, errors = rowgate(str(tmp_path))
    assert (status, out, lost.exists()) == (1, "", False)
    assert told in errors
    status, out, errors = rowgate("--check", str(tmp_path))
    assert status == 1
    assert "-// ours\n" in out
    assert f"{told}, rowgate/rowgate/v1/count.proto" in errors
    assert changed.read_text() == "// ours\n"

    status, out, _ = rowgate("--overwrite", str(tmp_path))
    assert (status, len(out.splitlines())) == (0, 5)
    assert texts(tmp_path) == {**whole, "googleapis/google/api/client.proto": "// ours\n"}
    assert rowgate("--check", str(tmp_path))[0] == 0


def test_buf_builds_a_schema_with_them(tmp_path: Path) -> None:
    rowgate(str(tmp_path / "third_party"))
    (tmp_path / "protos").mkdir()
    (tmp_path / "protos" / "product.proto").write_text(SCHEMA)
    folders = ("protos", "third_party/rowgate", "third_party/googleapis")
    modules = "".join(f"  - path: {folder}\n" for folder in folders)
    (tmp_path / "buf.yaml").write_text(f"version: v2\nmodules:\n{modules}")
    buf(tmp_path, "build")


def test_an_installed_wheel_brings_protos_and_stubs(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=60)
    (wheel,) = tmp_path.glob("rowgate-*.whl")
    installed = tmp_path / "installed"
    unpack = [sys.executable, "-m", "zipfile", "-e", str(wheel), str(installed)]
    subprocess.run(unpack, check=True, timeout=60)
    env = environment(PYTHONPATH=str(installed))
    look = "from rowgate.v1 import annotations_pb2, ingest_pb2; print(annotations_pb2.__file__)"
    found = subprocess.run(
        [sys.executable, "-P", "-c", look], cwd=tmp_path, env=env, check=True, capture_output=True, timeout=60
    )
    assert Path(found.stdout.decode().strip()).is_relative_to(installed)
    subprocess.run([*ROWGATE, "protos", "out"], cwd=tmp_path, env=env, check=True, timeout=60)
    assert texts(tmp_path / "out" / "rowgate") == {
        f"rowgate/{name}": text for name, text in texts(ROOT / "protos" / "rowgate").items()
    }


def test_a_fresh_clone_generates_its_stubs(tmp_path: Path) -> None:
    """Without a network: what is asked of one ends at a closed port."""
    shutil.copytree(ROOT / "generated" / "googleapis", tmp_path / "generated" / "googleapis")
    for name in ("buf.yaml", "buf.gen.yaml", "protos", ".ci"):
        (tmp_path / name).symlink_to(ROOT / name)
    buf(tmp_path, "generate")
    made = texts(tmp_path / "generated")
    assert made == texts(ROOT / "generated")


def buf(folder: Path, *args: str) -> None:
    """Run buf in a folder, with the programs of this environment first on PATH."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = environment(PATH=path, HTTPS_PROXY="http://127.0.0.1:1", BUF_CACHE_DIR=str(folder / "cache"))
    done = subprocess.run(["buf", *args], cwd=folder, env=env, check=False, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
