"""What every property test goes by."""

from hypothesis import settings


def test_an_example_may_take_its_time() -> None:
    """A busy machine takes longer than the 200 ms that hypothesis allows by itself."""
    assert settings().deadline is None
