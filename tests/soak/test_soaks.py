"""The runner of the soaks."""

from importlib.util import find_spec

import pytest

from tests.soak.__main__ import SOAKS, Soak, run


@pytest.mark.parametrize("name", SOAKS)
def test_each_soak_is_a_module(name: str) -> None:
    assert find_spec(SOAKS[name].module) is not None


def test_one_that_fails_is_told() -> None:
    assert run(Soak("tests.soak.none", (), minutes=1)) == "exit status 1"


def test_one_beyond_its_time_is_ended() -> None:
    assert (
        run(Soak("http.server", ("0", "--bind", "127.0.0.1"), minutes=0.02)) == "not done within 0.02 minutes"
    )


def test_one_that_holds_is_not_told() -> None:
    assert run(Soak("this", (), minutes=1)) == ""
