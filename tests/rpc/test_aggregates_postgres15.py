"""Aggregates on PostgreSQL 15, and over the other transport than the tests of test_aggregates.py."""

from tests.rpc.test_aggregates import (
    readings,
    test_a_result_past_its_field_is_an_error,
    test_answers_are_those_of_sql,
    test_rows_of_keys_alone_are_the_different_values,
    test_sums_past_int64_are_whole,
    test_there_is_a_reading_or_none,
)
from tests.rpc.test_read_postgres15 import databases

__all__ = [
    "databases",
    "readings",
    "test_a_result_past_its_field_is_an_error",
    "test_answers_are_those_of_sql",
    "test_rows_of_keys_alone_are_the_different_values",
    "test_sums_past_int64_are_whole",
    "test_there_is_a_reading_or_none",
]
