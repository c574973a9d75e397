"""Handlers' own SQL and SQLAlchemy's sessions: in the gateway's transactions, and behind its policies."""

import logging
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import grpc
import pytest

from tests.handlers.conftest import Kiosk
from tests.handlers.test_hooks import buy


async def refusal(
    kiosk: Kiosk, caplog: pytest.LogCaptureFixture, what: str, name: str, caller: str = "ann"
) -> str:
    """Return what the log says of an act that is refused without a word to its caller."""
    caplog.clear()
    with caplog.at_level(logging.ERROR):
        error = await kiosk.refused(caller, "KioskService/Act", {"what": what, "name": name})
    assert (error.code, error.message) == (grpc.StatusCode.INTERNAL, "internal error")
    return caplog.text


async def test_values_are_bound(kiosk: Kiosk) -> None:
    assert await kiosk.act("ann", "bound", "cola") == ["cola 10"]
    assert await kiosk.act("ann", "bound", "' OR true --") == []


async def test_values_come_back_as_they_were_sent(kiosk: Kiosk) -> None:
    for _ in range(2):  # anew, and known
        assert await kiosk.act("ann", "values") == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("timestamptz '2026-11-23 14:05:06.000789+02'", datetime(2026, 11, 23, 12, 5, 6, 789, tzinfo=UTC)),
        ("timestamptz 'infinity'", datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
        ("timestamp '1969-12-31 23:59:59'", datetime(1969, 12, 31, 23, 59, 59)),  # noqa: DTZ001 - as PostgreSQL's
        ("date '1582-10-15'", date(1582, 10, 15)),
        ("date '-infinity'", date.min),
        ("time '24:00'", time.max),
        ("interval '1 month 2 days -1 second'", timedelta(days=32, seconds=-1)),
        ("ARRAY[[date '2000-01-01'], [NULL::date]]", [[date(2000, 1, 1)], [None]]),
        ("""jsonb '{"a": [1.5, null]}'""", {"a": [1.5, None]}),
        ("numeric '1.20'", Decimal("1.20")),
        ("'text'::text", "text"),
    ],
)
async def test_values_are_pythons(kiosk: Kiosk, text: str, value: object) -> None:
    assert await kiosk.act("ann", "sql", f"SELECT {text} AS it") == [str({"it": value})]


async def test_writes_are_part_of_their_transaction(kiosk: Kiosk) -> None:
    assert await kiosk.act("ann", "raw_write") == ["9"]
    await kiosk.refused("ann", "KioskService/Act", {"what": "raw_write", "name": "fail"})
    assert await kiosk.stock() == 9


async def test_a_lost_commit_of_such_writes_would_be_asked_about(kiosk: Kiosk) -> None:
    assert await kiosk.act("ann", "wrote") == ["False", "True"]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("SELECT * FROM purchase", "has columns that aren't everybody's"),
        ("WITH p AS (SELECT id FROM public.purchase) SELECT count(*) FROM p", "purchase"),
        ("SELECT sku FROM article WHERE sku IN (SELECT sku FROM purchase)", "purchase"),
        ("SELECT query_to_xml('SELECT * FROM purchase', true, true, '')::text", "query_to_xml"),
        ("DELETE FROM purchase", "audited"),
        ("SELECT 1; SELECT 2", "several statements"),
        ("COMMIT", "none of SELECT"),
        ("BEGIN", "none of SELECT"),
        ("COPY article TO STDOUT", "none of SELECT"),
        ("SET ROLE postgres", "none of SELECT"),
        ("SELECT :sku", "the query takes sku"),
    ],
)
async def test_queries_past_policies_are_refused(
    kiosk: Kiosk, caplog: pytest.LogCaptureFixture, query: str, told: str
) -> None:
    await buy(kiosk)
    assert told in await refusal(kiosk, caplog, "sql", query)
    if told == "none of SELECT":
        assert told in await refusal(kiosk, caplog, "sql_past", query)
    assert len(await kiosk.purchases()) == 1


async def test_policies_are_bypassed_in_so_many_words(kiosk: Kiosk, caplog: pytest.LogCaptureFixture) -> None:
    await buy(kiosk)
    assert await kiosk.act("bob", "sql_past", "SELECT buyer FROM purchase") == ["{'buyer': 'ann'}"]
    assert "audited" in await refusal(kiosk, caplog, "sql_past", "DELETE FROM purchase")
    assert len(await kiosk.purchases()) == 1


async def test_what_postgresql_refuses_has_its_status(kiosk: Kiosk) -> None:
    error = await kiosk.refused(
        "ann", "KioskService/Act", {"what": "sql", "name": "UPDATE article SET stock = -1"}
    )
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "CHECK_VIOLATION")
    error = await kiosk.refused("ann", "KioskService/Act", {"what": "orm_twice", "name": "cola"})
    assert error.code is grpc.StatusCode.ALREADY_EXISTS


async def test_a_session_reads_and_writes(kiosk: Kiosk) -> None:
    assert await kiosk.act("ann", "orm", "fanta") == ["cola 11", "fanta 5"]
    assert (await kiosk.stock(), await kiosk.stock("fanta")) == (11, 5)


async def test_a_session_that_fails_is_undone(kiosk: Kiosk) -> None:
    assert await kiosk.act("ann", "orm_fails") == ["FOREIGN_KEY_VIOLATION", "10"]
    assert await kiosk.stock() == 10


async def test_a_session_is_behind_policies(kiosk: Kiosk, caplog: pytest.LogCaptureFixture) -> None:
    await buy(kiosk)
    assert "RefusedQueryError" in await refusal(kiosk, caplog, "orm_hidden", "")
    assert await kiosk.act("kay", "orm_hidden") == ["ann UTC"]
    assert "transact" in await refusal(kiosk, caplog, "orm_outside", "")
