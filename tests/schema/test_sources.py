"""The .proto files of a folder."""

from pathlib import Path

import pytest

from gateway.schema.protos.sources import proto_files


@pytest.fixture
def mounted(tmp_path: Path) -> Path:
    """Return a folder laid as Kubernetes mounts a ConfigMap: its entries are links through a hidden one."""
    held = tmp_path / "mounted" / "..2026_11_23" / "shop" / "v1"
    held.mkdir(parents=True)
    (held / "product.proto").touch()
    folder = held.parents[2]
    (folder / "..data").symlink_to("..2026_11_23")
    (folder / "shop").symlink_to("..data/shop")
    return folder


def test_files_behind_links_are_found_once(mounted: Path) -> None:
    assert proto_files(mounted) == [mounted / "shop" / "v1" / "product.proto"]


def test_links_that_lead_up_have_an_end(mounted: Path) -> None:
    (mounted / "again").symlink_to(mounted)
    (mounted / "shop" / "v1" / "up").symlink_to("../../..")
    assert [path.name for path in proto_files(mounted)] == ["product.proto"]


def test_hidden_files_and_folders_are_nobody_s(tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()
    for name in (".venv/theirs.proto", ".hidden.proto", "ours.proto", "ours.txt"):
        (tmp_path / name).touch()
    assert proto_files(tmp_path) == [tmp_path / "ours.proto"]
