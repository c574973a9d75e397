"""BulkUpsert on PostgreSQL 15, whose MERGE returns nothing: the tests of the other files, run there."""

import pytest

from tests.harness.databases import Databases
from tests.rpc.test_bulk_calls import (
    test_a_request_id_is_honoured_once,
    test_a_table_that_is_all_key,
    test_fifty_clients_with_the_same_keys_all_end,
    test_nulls_are_equal_in_a_key_that_says_so,
    test_rows_without_a_key_are_new_and_keep_their_order,
)
from tests.rpc.test_bulk_errors import (
    test_a_taken_unique_value_fails_the_row_that_comes_second,
    test_each_kind_of_error_is_named_and_the_rest_lands,
    test_rows_may_refer_to_each_other_and_fall_together,
    test_text_that_only_postgresql_can_judge_is_found,
    test_what_a_trigger_refuses_is_found_by_halving,
)
from tests.rpc.test_bulk_triggers import (
    test_rows_that_a_trigger_keeps_out_fail_and_the_others_land,
    test_rows_that_a_trigger_stores_under_another_key_are_inserted,
)

__all__ = [
    "test_a_request_id_is_honoured_once",
    "test_a_table_that_is_all_key",
    "test_a_taken_unique_value_fails_the_row_that_comes_second",
    "test_each_kind_of_error_is_named_and_the_rest_lands",
    "test_fifty_clients_with_the_same_keys_all_end",
    "test_nulls_are_equal_in_a_key_that_says_so",
    "test_rows_may_refer_to_each_other_and_fall_together",
    "test_rows_that_a_trigger_keeps_out_fail_and_the_others_land",
    "test_rows_that_a_trigger_stores_under_another_key_are_inserted",
    "test_rows_without_a_key_are_new_and_keep_their_order",
    "test_text_that_only_postgresql_can_judge_is_found",
    "test_what_a_trigger_refuses_is_found_by_halving",
]


@pytest.fixture(scope="session")
def databases(debian_15: str) -> Databases:
    """Return the databases of PostgreSQL 15."""
    return Databases(debian_15)


@pytest.fixture
def _way() -> None:
    """There is one way only."""
