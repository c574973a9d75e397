"""The same on PostgreSQL 15."""

import pytest

from tests.filters.test_documents import documents, test_a_list_in_a_document_has_what_one_of_its_elements_is
from tests.filters.test_functions import known, test_a_filter_selects_what_python_selects
from tests.filters.test_fuzzed import test_a_filter_is_answered_or_refused_soon
from tests.filters.test_regular_expressions import test_what_takes_long_elsewhere_is_answered_soon
from tests.harness.databases import Databases

__all__ = [
    "documents",
    "known",
    "test_a_filter_is_answered_or_refused_soon",
    "test_a_filter_selects_what_python_selects",
    "test_a_list_in_a_document_has_what_one_of_its_elements_is",
    "test_what_takes_long_elsewhere_is_answered_soon",
]


@pytest.fixture(scope="session")
def databases(debian_15: str) -> Databases:
    """Return the databases of PostgreSQL 15."""
    return Databases(debian_15)
