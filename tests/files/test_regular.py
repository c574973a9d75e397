"""Small files are read whole or refused, whatever stands in their place."""

import os
from pathlib import Path

import pytest

from gateway.files.regular import read_regular


def test_a_file_is_read_and_so_is_one_that_a_link_leads_to(tmp_path: Path) -> None:
    path, link = tmp_path / "file", tmp_path / "link"
    path.write_bytes(b"0123456789")
    link.symlink_to(path)
    assert read_regular(path, 10) == read_regular(link, 10) == b"0123456789"


def test_a_file_that_is_too_long_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    with pytest.raises(OSError, match=r"^has more than 9 bytes$"):
        read_regular(path, 9)


@pytest.mark.parametrize("kind", ["FIFO", "folder", "device"])
def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "file"
    if kind == "FIFO":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(OSError, match=r"^is no regular file$"):
        read_regular(path, 10)
