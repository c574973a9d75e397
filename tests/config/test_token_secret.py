"""Where the page tokens' secret comes from."""

import logging
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.config.errors import ConfigError
from gateway.config.load import settings_of
from gateway.config.token_secret import token_secret


def test_a_secret_that_is_set_is_used(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("  from a file, long enough\n")
    assert token_secret(settings_of(secret="0" * 16).tokens, tmp_path) == b"0" * 16
    assert token_secret(settings_of(secret_file=file).tokens, tmp_path) == b"from a file, long enough"
    assert list(tmp_path.iterdir()) == [file]


def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path: Path) -> None:
    file = tmp_path / "key"
    os.mkfifo(file)
    with pytest.raises(ConfigError, match="can't be read: is no regular file"):
        token_secret(settings_of(secret_file=file).tokens, None)


def test_one_is_kept_beside_the_embedded_database_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    first = token_secret(settings_of().tokens, folder)
    assert token_secret(settings_of().tokens, folder) == first
    assert len(first) == 64
    (kept,) = folder.iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_gateways_that_start_at_once_keep_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as threads:
        kept = set(threads.map(lambda _: token_secret(settings_of().tokens, tmp_path), range(64)))
    assert len(kept) == 1
    assert len(list(tmp_path.iterdir())) == 1


def test_without_a_place_each_process_has_its_own_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert token_secret(settings_of().tokens, None) != token_secret(settings_of().tokens, None)
    assert "page tokens become invalid when this process ends" in caplog.text


@pytest.mark.parametrize("content", [None, "", "short"])
def test_a_file_that_can_not_be_used_is_a_wrong_setting(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigError, match=r"tokens\.secret_file .*key"):
        token_secret(settings_of(secret_file=file).tokens, None)
