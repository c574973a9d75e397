"""Transforms in bulk writes on PostgreSQL 15, whose MERGE returns nothing: the same tests, run there."""

import pytest

from tests.harness.databases import Databases
from tests.rpc.test_bulk_transforms import (
    gateway,
    test_a_chunk_that_is_sent_again_adds_nothing,
    test_many_rows_are_changed_once,
    test_what_does_not_fit_is_that_rows_alone,
    test_what_many_add_at_once_is_their_sum,
)

__all__ = [
    "gateway",
    "test_a_chunk_that_is_sent_again_adds_nothing",
    "test_many_rows_are_changed_once",
    "test_what_does_not_fit_is_that_rows_alone",
    "test_what_many_add_at_once_is_their_sum",
]


@pytest.fixture(scope="session")
def databases(debian_15: str) -> Databases:
    """Return the databases of PostgreSQL 15."""
    return Databases(debian_15)
