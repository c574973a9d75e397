"""Tables with triggers that keep rows out or change their keys, and tables with rules."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway
from tests.rpc.bulk_ways import taking
from tests.rpc.test_bulk_errors import named

SERVICE = "guarded.v1.ThingService"
BULK = f"{SERVICE}/BulkUpsertThings"
_INSERTED, _UPDATED, _UNCHANGED, _IGNORED, _FAILED = 1, 2, 3, 4, 5


@pytest.fixture(params=["arrays", "merge", "two steps"])
def _way(request: pytest.FixtureRequest) -> Iterator[None]:
    with taking(request.param):
        yield


async def _with_trigger(gateway_for: GatewayFor, body: str, *events: str) -> RunningGateway:
    """Serve rows 0 to 9, whose numbers are their ids, behind a trigger."""
    gateway = await gateway_for("guarded")
    await gateway.call(BULK, things=[{"id": n, "number": n} for n in range(10)])
    await gateway.sql(
        f"CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NEW; END $$"
    )
    for event in events:
        await gateway.sql(
            f"CREATE TRIGGER guard_{event} BEFORE {event} ON thing FOR EACH ROW EXECUTE FUNCTION guard()"
        )
    return gateway


def _skipping(condition: str) -> str:
    return f"IF {condition} THEN RETURN NULL; END IF;"


@pytest.mark.usefixtures("_way")
async def test_rows_that_a_trigger_keeps_out_fail_and_the_others_land(gateway_for: GatewayFor) -> None:
    gateway = await _with_trigger(gateway_for, _skipping("NEW.id IN (4, 12)"), "INSERT", "UPDATE")
    rows = [{"id": n, "number": n if n < 3 else 100} for n in range(1, 14)]
    answer = await gateway.call(BULK, things=rows, partial_failure=True, outcomes=True)
    assert {index: reason for index, (reason, _) in named(answer).items()} == {
        3: "ROW_KEPT_OUT",
        11: "ROW_KEPT_OUT",
    }
    assert list(answer.outcomes) == [
        *[_UNCHANGED] * 2,
        _UPDATED,
        _FAILED,
        *[_UPDATED] * 5,
        *[_INSERTED] * 2,
        _FAILED,
        _INSERTED,
    ]
    stored = await gateway.sql("SELECT id FROM thing WHERE number = 100 ORDER BY id")
    assert [row["id"] for row in stored] == [3, 5, 6, 7, 8, 9, 10, 11, 13]


@pytest.mark.usefixtures("_way")
@pytest.mark.parametrize(("on_conflict", "stored"), [("IGNORE", _IGNORED), ("FAIL", _FAILED)])
async def test_a_row_that_is_kept_out_is_no_stored_one(
    gateway_for: GatewayFor, on_conflict: str, stored: int
) -> None:
    gateway = await _with_trigger(gateway_for, _skipping("NEW.id = 12"), "INSERT")
    answer = await gateway.call(
        BULK,
        things=[{"id": n, "number": 100} for n in (9, 11, 12)],
        on_conflict=f"ON_CONFLICT_{on_conflict}",
        partial_failure=True,
        outcomes=True,
    )
    assert list(answer.outcomes) == [stored, _INSERTED, _FAILED]
    assert named(answer)[2][0] == "ROW_KEPT_OUT"
    assert on_conflict == "IGNORE" or named(answer)[0][0] == "UNIQUE_VIOLATION"


@pytest.mark.usefixtures("_way")
async def test_without_partial_failure_a_row_that_is_kept_out_refuses_all(gateway_for: GatewayFor) -> None:
    gateway = await _with_trigger(gateway_for, _skipping("NEW.id = 12"), "INSERT")
    with pytest.raises(RpcFailed) as refused:
        await gateway.call(BULK, things=[{"id": n} for n in (11, 12, 13)])
    assert (refused.value.reason, refused.value.fields) == ("ROW_KEPT_OUT", ["things[1]"])
    assert len(await gateway.sql("SELECT FROM thing")) == 10


@pytest.mark.usefixtures("_way")
async def test_a_chunk_of_ingest_passes_rows_that_are_kept_out(gateway_for: GatewayFor) -> None:
    gateway = await _with_trigger(gateway_for, _skipping("NEW.id = 12"), "INSERT")
    talk = gateway.client.converse(f"{SERVICE}/IngestThings")
    await talk.ask(start={"stream_id": "one", "partial_failure": True})
    answer = await talk.ask(sequence=1, things=[{"id": n} for n in (11, 12, 13)])
    assert (answer.watermark, answer.inserted_count, list(named(answer))) == (1, 2, [1])
    await talk.end()


@pytest.mark.usefixtures("_way")
async def test_rows_that_a_trigger_stores_under_another_key_are_inserted(gateway_for: GatewayFor) -> None:
    gateway = await _with_trigger(
        gateway_for,
        f"{_skipping('NEW.id = 12')} IF NEW.id > 12 THEN NEW.id := NEW.id + 1000; END IF;",
        "INSERT",
    )
    rows = [{"id": n, "number": 5} for n in (11, 13, 14)]
    answer = await gateway.call(BULK, things=rows, partial_failure=True, outcomes=True)
    assert list(answer.outcomes) == [_INSERTED] * 3
    # The keys that they got are taken, and are none that the request names.
    rows = [{"id": n, "number": 6} for n in (11, 12, 13, 15)]
    answer = await gateway.call(BULK, things=rows, partial_failure=True, outcomes=True)
    assert list(answer.outcomes) == [_UPDATED, _FAILED, _FAILED, _INSERTED]
    assert set(named(answer)) == {1, 2}
    stored = await gateway.sql("SELECT id, number FROM thing WHERE id > 10 ORDER BY id")
    assert [(row["id"], row["number"]) for row in stored] == [(11, 6), (1013, 5), (1014, 5), (1015, 6)]


async def test_a_single_row_that_a_trigger_keeps_as_it_is_says_so(gateway_for: GatewayFor) -> None:
    gateway = await _with_trigger(gateway_for, _skipping("NEW.id = 4"), "UPDATE")
    update: dict[str, Any] = {"thing": {"id": 4, "number": 100}, "update_mask": "number"}
    fine = {"thing": {"id": 5, "number": 100}, "update_mask": "number"}
    with pytest.raises(RpcFailed) as refused:
        await gateway.call(f"{SERVICE}/UpdateThing", update)
    assert (refused.value.code.name, refused.value.reason) == ("FAILED_PRECONDITION", "ROW_KEPT_OUT")
    with pytest.raises(RpcFailed) as refused:
        await gateway.call(f"{SERVICE}/BatchUpdateThings", requests=[fine, update])
    assert (refused.value.reason, refused.value.fields) == ("ROW_KEPT_OUT", ["requests[1]"])
    assert await gateway.sql("SELECT FROM thing WHERE number = 100") == []
    with pytest.raises(RpcFailed) as refused:
        await gateway.call(f"{SERVICE}/BatchUpdateThings", requests=[fine, fine])
    assert refused.value.reason == "DUPLICATE_IN_BATCH"


async def test_a_rule_for_deletes_is_in_no_upserts_way(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("guarded")
    await gateway.sql("CREATE RULE kept AS ON DELETE TO thing DO INSTEAD NOTHING")
    for number, outcomes in ((1, [_INSERTED] * 2), (2, [_UPDATED] * 2), (2, [_UNCHANGED] * 2)):
        rows = [{"id": n, "number": number} for n in (1, 2)]
        answer = await gateway.call(BULK, things=rows, outcomes=True)
        assert list(answer.outcomes) == outcomes


async def test_no_way_leads_past_a_rule_for_inserts(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("guarded")
    await gateway.sql("CREATE RULE nothing AS ON INSERT TO thing DO INSTEAD NOTHING")
    with taking("load"), pytest.raises(RpcFailed) as refused:
        await gateway.call(BULK, things=[{"id": 1}, {"id": 2}], partial_failure=True)
    assert refused.value.reason == "FEATURE_NOT_SUPPORTED"
    assert await gateway.sql("SELECT FROM thing") == []
