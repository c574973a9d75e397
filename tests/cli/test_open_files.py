"""The limit of open files, which bounds connections."""

import logging
import resource
from collections.abc import Iterator

import pytest

from gateway.cli.serving.open_files import allow_open_files
from gateway.config.load import settings_of

SOFT, NEEDED = 200, 300 + 2 * 8 + 256


@pytest.fixture
def hard() -> Iterator[int]:
    """Lower this process's soft limit; give the hard one, which bounds it."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (SOFT, before[1]))
    yield before[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_as_many_files_as_connections_may_be_open(hard: int, caplog: pytest.LogCaptureFixture) -> None:
    allow_open_files(settings_of(max_connections=600, pool_size=16), 2)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (NEEDED, hard)
    assert not caplog.records
    allow_open_files(settings_of(max_connections=3, pool_size=8), 1)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (NEEDED, hard)


@pytest.mark.usefixtures("hard")
def test_too_few_files_are_warned_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (SOFT, SOFT))
    with caplog.at_level(logging.WARNING):
        allow_open_files(settings_of(max_connections=600, pool_size=16), 2)
    (line,) = caplog.records
    assert (getattr(line, "open_files", 0), getattr(line, "max_connections", 0)) == (SOFT, 300)
