"""partial_failure keeps each error to its row, whatever SQLSTATE PostgreSQL, or a trigger, raises for it."""

import random
import string
from collections.abc import Iterator
from typing import Any

import pytest
from asyncpg import PostgresError

from gateway.errors.sqlstate import CLASSES, STATES, is_of_a_row
from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway

SERVICE = "values.v1.LegacyService"
OF_A_ROW = {"09", "20", "21", "22", "23", "27", "2F", "38", "39", "44", "P0"}
"""The classes of PostgreSQL's manual, appendix A, that a row's own values, or its triggers, raise."""
EXCEPTIONS = {"54000": True, "54001": True, "2200H": False}
"""Single states that are otherwise than their class."""


def _states() -> Iterator[str]:
    """Yield every SQLSTATE that the driver knows."""
    waiting: list[type[PostgresError]] = [PostgresError]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if len(str(kind.sqlstate or "")) == len("00000"):
            yield str(kind.sqlstate)


EVERY_STATE = sorted({*_states(), *STATES, *(f"{name}000" for name in CLASSES)})


@pytest.mark.parametrize("state", EVERY_STATE)
def test_every_sqlstate_is_of_a_row_or_of_all(state: str) -> None:
    assert is_of_a_row(state) is EXCEPTIONS.get(state, state[:2] in OF_A_ROW)


def test_a_class_that_a_trigger_made_up_is_of_a_row() -> None:
    assert is_of_a_row("U0001")
    assert not is_of_a_row("")


async def _raising(gateway: RunningGateway) -> None:
    """Have a trigger raise the SQLSTATE that a row holds as its text."""
    await gateway.sql(
        """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.text IS NOT NULL THEN RAISE EXCEPTION 'refused' USING ERRCODE = NEW.text; END IF;
        RETURN NEW; END $$"""
    )
    await gateway.sql("CREATE TRIGGER refuse BEFORE INSERT ON legacy FOR EACH ROW EXECUTE FUNCTION refuse()")


async def test_rows_that_raise_any_state_of_a_row_fail_alone(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("values")
    await _raising(gateway)
    states = [state for state in (*EVERY_STATE, "U0001") if is_of_a_row(state) and state != "23505"]
    rows: list[dict[str, Any]] = []
    for state in states:
        rows += [{"id": len(rows)}, {"id": len(rows) + 1, "text": state}]
    done = await gateway.call(f"{SERVICE}/BulkUpsertLegacies", legacies=rows, partial_failure=True)
    assert (done.inserted_count, done.failed_count) == (len(states), len(states))
    assert [failure.index for failure in done.failures] == list(range(1, len(rows), 2))
    (stored,) = await gateway.sql("SELECT count(*) AS n, bool_and(id % 2 = 0) AS even FROM legacy")
    assert (stored["n"], stored["even"]) == (len(states), True)


@pytest.mark.parametrize("state", ["0A000", "2200H", "42501", "53100", "54023", "55000", "58030"])
async def test_what_every_row_would_raise_refuses_all(gateway_for: GatewayFor, state: str) -> None:
    gateway = await gateway_for("values")
    await _raising(gateway)
    with pytest.raises(RpcFailed):
        await gateway.call(
            f"{SERVICE}/BulkUpsertLegacies",
            legacies=[{"id": 1}, {"id": 2, "text": state}],
            partial_failure=True,
        )
    assert await gateway.sql("SELECT id FROM legacy") == []


@pytest.mark.parametrize("count", [4, 1_200], ids=["by arrays", "by COPY"])
async def test_a_key_too_large_for_its_index_fails_alone(gateway_for: GatewayFor, count: int) -> None:
    gateway = await gateway_for("values")
    await gateway.sql("CREATE INDEX ON legacy (text)")
    long = "".join(random.Random(1).choices(string.ascii_letters, k=9_000))  # noqa: S311 - not to compress well
    rows: list[dict[str, Any]] = [{"id": i, **({"text": long} if i == 2 else {})} for i in range(count)]
    done = await gateway.call(f"{SERVICE}/BulkUpsertLegacies", legacies=rows, partial_failure=True)
    assert (done.inserted_count, done.failed_count) == (count - 1, 1)
    assert [failure.index for failure in done.failures] == [2]

    talk = gateway.client.converse(f"{SERVICE}/IngestLegacies")
    await talk.ask(start={"stream_id": "one", "partial_failure": True})
    later = [{**row, "id": 10_000 + row["id"]} for row in rows]
    assert (await talk.ask(sequence=1, legacies=later)).watermark == 1
    assert (await talk.ask(sequence=2, legacies=[{"id": 20_000}])).watermark == 2
    await talk.end()
    ((stored,),) = [tuple(row.values()) for row in await gateway.sql("SELECT count(*) FROM legacy")]
    assert stored == 2 * (count - 1) + 1
