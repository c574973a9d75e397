"""A worker's part of the server's settings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.per_worker import DIVIDED, divided, part
from gateway.config.setting_names import SETTINGS
from gateway.config.settings import Settings

WORKERS = st.integers(1, 64)
# What a call, a connection, a row or the database has at most is the same in each worker.
WHOLE = {
    *(
        "database.gateways",
        "database.statement_cache_size",
        "database.request_id_max_bytes",
        "database.request_id_answer_bytes",
    ),
    *("coalesce.max_concurrent_batches", "coalesce.max_batch_size", "server.liveness_failures"),
    *("limits.max_request_bytes", "limits.max_response_bytes", "limits.stream_chunk_bytes"),
    *("limits.bulk_max_rows", "limits.max_row_bytes", "limits.max_row_elements"),
    *("limits.max_metadata_bytes", "limits.max_concurrent_streams", "limits.handler_max_messages"),
}


@given(st.integers(0, 10**12), WORKERS)
def test_the_parts_are_the_whole_unless_it_is_less_than_one_for_each(total: int, workers: int) -> None:
    parts = [part(total, workers, place) for place in range(workers)]
    assert max(parts) - min(parts) <= 1
    if total >= workers:
        assert sum(parts) == total
    else:
        assert set(parts) == {min(total, 1)}


def test_each_number_that_is_set_is_divided_or_known_not_to_be() -> None:
    divided_keys = {f"{section}.{name}" for section, names in DIVIDED.items() for name in names}
    numbers = {one.key for one in SETTINGS if isinstance(one.default, int) and not one.is_switch}
    assert divided_keys | WHOLE == numbers
    assert not divided_keys & WHOLE


@pytest.mark.parametrize("workers", [2, 3])
def test_a_worker_has_its_part_and_all_else_whole(workers: int) -> None:
    whole = Settings()
    parts = [divided(whole, workers, place) for place in range(workers)]
    assert sum(one.database.pool_size for one in parts) == whole.database.pool_size
    assert sum(one.limits.max_in_flight for one in parts) == whole.limits.max_in_flight
    assert {one.limits.max_request_bytes for one in parts} == {whole.limits.max_request_bytes}
    assert {one.server for one in parts} == {whole.server}


def test_each_worker_holds_two_of_the_largest_requests_however_many_there_are() -> None:
    limits = divided(Settings(), 64, 63).limits
    assert limits.request_memory == 2 * limits.max_taken_bytes
