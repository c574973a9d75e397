"""BulkUpsert with bad rows: each is named, with its reason and field; the others land, or none does."""

from collections.abc import Iterator
from typing import Any

import pytest
from google.rpc import error_details_pb2

from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway
from tests.rpc.bulk_ways import WAYS, taking

_ACCOUNTS = "ledger.v1.AccountService/BulkUpsertAccounts"
_ENTRIES = "ledger.v1.EntryService/BulkUpsertEntries"
_NODES = "adversarial.v1.NodeService/BulkUpsertNodes"

_ROWS = 50_000


def account(number: int, **more: Any) -> dict[str, Any]:
    """Return an account that breaks nothing."""
    return {"book": "a", "number": number, "title": f"t{number}", "iban": f"i{number}", **more}


def entry(sequence: int, **more: Any) -> dict[str, Any]:
    """Return an entry that breaks nothing where accounts 1 and 2 are stored."""
    fields = {"book": "a", "sequence": sequence, "part": 1, "debit": 1, "credit": 2, "amount": 5}
    return {**fields, "booked_at": "2024-01-01T00:00:00Z", **more}


def named(answer: Any) -> dict[int, tuple[str, list[str]]]:
    """Return each failure's reason and fields by index."""
    found = {}
    for failure in answer.failures:
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        for detail in failure.status.details:
            for kind in (info, bad):
                if detail.Is(kind.DESCRIPTOR):
                    detail.Unpack(kind)
        found[failure.index] = (info.reason, sorted(v.field for v in bad.field_violations))
    return found


@pytest.fixture(params=WAYS)
def _way(request: pytest.FixtureRequest) -> Iterator[None]:
    with taking(request.param):
        yield


async def _with_accounts(gateway_for: GatewayFor) -> RunningGateway:
    gateway = await gateway_for("ledger")
    await gateway.call(_ACCOUNTS, accounts=[account(1), account(2)])
    return gateway


@pytest.mark.usefixtures("_way")
async def test_each_kind_of_error_is_named_and_the_rest_lands(gateway_for: GatewayFor) -> None:
    gateway = await _with_accounts(gateway_for)
    rows = [entry(n) for n in range(1, 30)]
    rows[3].pop("booked_at")
    rows[5]["credit"] = 99
    rows[7]["amount"] = -1
    rows[9]["part"] = 40_000
    rows[11]["book"] = "a name too long for a book"
    rows[13]["text"] = "\0"
    answer = await gateway.call(_ENTRIES, entries=rows, partial_failure=True, outcomes=True)
    assert named(answer) == {
        3: ("NOT_NULL_VIOLATION", ["entries[3].booked_at"]),
        5: ("FOREIGN_KEY_VIOLATION", ["entries[5].book", "entries[5].credit"]),
        7: ("CHECK_VIOLATION", ["entries[7].amount", "entries[7].credit", "entries[7].debit"]),
        9: ("OUT_OF_RANGE", ["entries[9].part"]),
        11: ("TOO_LONG", ["entries[11].book"]),
        13: ("NUL_IN_TEXT", ["entries[13].text"]),
    }
    assert (answer.inserted_count, answer.failed_count) == (23, 6)
    assert [i for i, outcome in enumerate(answer.outcomes) if outcome == 5] == [3, 5, 7, 9, 11, 13]
    stored = await gateway.sql('SELECT sequence FROM "Ledger"."Entry" ORDER BY sequence')
    assert [row["sequence"] for row in stored] == [n for n in range(1, 30) if n - 1 not in named(answer)]


@pytest.mark.usefixtures("_way")
async def test_without_partial_failure_nothing_lands_and_one_error_names_all(gateway_for: GatewayFor) -> None:
    gateway = await _with_accounts(gateway_for)
    rows = [entry(n) for n in range(1, 30)]
    rows[3].pop("booked_at")
    rows[5]["credit"] = 99
    rows[9]["part"] = 40_000
    with pytest.raises(RpcFailed) as refused:
        await gateway.call(_ENTRIES, entries=rows)
    assert refused.value.metadata["failed_rows"] == "3"
    assert {field.partition(".")[0] for field in refused.value.fields} == {
        "entries[3]",
        "entries[5]",
        "entries[9]",
    }
    assert await gateway.sql('SELECT 1 FROM "Ledger"."Entry"') == []


@pytest.mark.usefixtures("_way")
async def test_a_failed_row_has_the_details_of_an_error(gateway_for: GatewayFor) -> None:
    """What is in its way: the constraint and, where its own key is taken, the row."""
    gateway = await _with_accounts(gateway_for)
    rows = [account(3), account(2), account(4, iban="i1")]
    answer = await gateway.call(
        _ACCOUNTS, accounts=rows, partial_failure=True, on_conflict="ON_CONFLICT_FAIL"
    )
    told = {}
    for failure in answer.failures:
        info, row = error_details_pb2.ErrorInfo(), error_details_pb2.ResourceInfo()
        for detail in failure.status.details:
            for kind in (info, row):
                if detail.Is(kind.DESCRIPTOR):
                    detail.Unpack(kind)
        told[failure.index] = (dict(info.metadata), row.resource_type, row.resource_name)
    assert told == {
        1: ({"constraint": "order_pkey", "table": "order"}, "ledger.v1.Account", "book=a, number=2"),
        2: ({"constraint": "Account IBAN", "table": "order"}, "", ""),
    }


@pytest.mark.usefixtures("_way")
async def test_a_taken_unique_value_fails_the_row_that_comes_second(gateway_for: GatewayFor) -> None:
    gateway = await _with_accounts(gateway_for)
    rows = [
        account(3),
        account(4, iban="i2"),
        account(5, iban="i3"),
        account(6, title="t1"),
        account(2, owner="x"),
    ]
    answer = await gateway.call(_ACCOUNTS, accounts=rows, partial_failure=True)
    assert named(answer) == {
        1: ("UNIQUE_VIOLATION", ["accounts[1].iban"]),
        2: ("UNIQUE_VIOLATION", ["accounts[2].iban"]),
        3: ("UNIQUE_VIOLATION", ["accounts[3].title"]),
    }
    assert (answer.inserted_count, answer.updated_count) == (1, 1)


@pytest.mark.usefixtures("_way")
async def test_what_a_trigger_refuses_is_found_by_halving(gateway_for: GatewayFor) -> None:
    gateway = await _with_accounts(gateway_for)
    await gateway.sql(
        """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN IF NEW.sequence % 20 = 7 THEN RAISE EXCEPTION 'a secret'; END IF; RETURN NEW; END $$"""
    )
    await gateway.sql(
        'CREATE TRIGGER refuse BEFORE INSERT ON "Ledger"."Entry" FOR EACH ROW EXECUTE FUNCTION refuse()'
    )
    rows = [entry(n) for n in range(50)]
    answer = await gateway.call(_ENTRIES, entries=rows, partial_failure=True)
    assert named(answer) == {n: ("RAISED_BY_DATABASE", [f"entries[{n}]"]) for n in (7, 27, 47)}
    assert answer.inserted_count == 47
    assert b"secret" not in answer.SerializeToString()


@pytest.mark.usefixtures("_way")
async def test_rows_may_refer_to_each_other_and_fall_together(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("adversarial")
    ids = [f"00000000-0000-0000-0000-0000000000{n:02d}" for n in range(6)]
    parents = [ids[1], ids[2], "", ids[4], ids[3], ids[5]]
    nodes = [{"id": id_, "position": n, "color": "COLOR_RED"} for n, id_ in enumerate(ids)]
    for node, parent in zip(nodes, parents, strict=True):
        if parent:
            node["parent_id"] = parent
    nodes[3]["parent_id"] = "00000000-0000-0000-0000-0000000000ff"
    answer = await gateway.call(_NODES, nodes=nodes, partial_failure=True)
    assert {index: reason for index, (reason, _) in named(answer).items()} == {
        3: "FOREIGN_KEY_VIOLATION",
        4: "FOREIGN_KEY_VIOLATION",
        5: "CHECK_VIOLATION",
    }
    assert answer.inserted_count == 3


async def test_five_bad_rows_among_fifty_thousand(gateway_for: GatewayFor) -> None:
    gateway = await _with_accounts(gateway_for)
    method, make = "ledger.v1.EntryService/BulkUpsertEntries", gateway.client.message
    rows = [make("ledger.v1.Entry", entry(n)) for n in range(_ROWS)]
    rows[123].ClearField("booked_at")
    rows[20_000].debit = 77
    rows[30_000].amount = 0
    rows[40_000].part = -40_000
    rows[49_999].sequence = 5
    bad = {123: "booked_at", 20_000: "debit", 30_000: "amount", 40_000: "part", 49_999: ""}
    request = make("ledger.v1.BulkUpsertEntriesRequest", on_duplicate="ON_DUPLICATE_FAIL")
    request.entries.extend(rows)
    with pytest.raises(RpcFailed) as refused:
        await gateway.client.call(method, request, timeout=60)
    assert refused.value.metadata["failed_rows"] == "5"
    assert {int(field.split("[")[1].split("]")[0]) for field in refused.value.fields} == set(bad)
    assert await gateway.sql('SELECT 1 FROM "Ledger"."Entry"') == []
    request.partial_failure = True
    answer = await gateway.client.call(method, request, timeout=60)
    assert (answer.inserted_count, answer.failed_count) == (_ROWS - 5, 5)
    assert set(named(answer)) == set(bad)
    for index, field in bad.items():
        assert f"entries[{index}].{field}".rstrip(".") in named(answer)[index][1]
    ((count,),) = [tuple(row.values()) for row in await gateway.sql('SELECT count(*) FROM "Ledger"."Entry"')]
    assert count == _ROWS - 5


@pytest.mark.usefixtures("_way")
async def test_text_that_only_postgresql_can_judge_is_found(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("types")
    rows = [{"id": n, "mac": "08:00:2b:01:02:03"} for n in range(20)]
    rows[4]["mac"] = "nowhere"
    rows[15]["mac"] = "08:00:2b:01:02:0g"
    answer = await gateway.call("types.v1.RichService/BulkUpsertRiches", riches=rows, partial_failure=True)
    assert {index: reason for index, (reason, _) in named(answer).items()} == {
        4: "INVALID_VALUE",
        15: "INVALID_VALUE",
    }
    assert answer.inserted_count == 18


async def test_a_check_of_what_the_schema_does_not_know_fails_its_rows_alone(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("guarded")
    await gateway.sql("ALTER TABLE thing ADD theirs int NOT NULL DEFAULT 5 CHECK (theirs + number > 0)")
    things = [{"id": n, "number": n} for n in (1, -9, 2)]
    answer = await gateway.call(
        "guarded.v1.ThingService/BulkUpsertThings", things=things, partial_failure=True
    )
    assert {index: reason for index, (reason, _) in named(answer).items()} == {1: "CHECK_VIOLATION"}
    assert answer.inserted_count == 2


async def test_rows_of_two_partitions_lie_in_two_places(
    gateway_for: GatewayFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stored row in the way was taken for the request's own, where one of another partition lay as it does.

    Then the rows were halved, and more than some thousand of them refused the whole request.
    """
    monkeypatch.setattr("gateway.db.bulk.merge._HALVINGS", 0)
    gateway = await gateway_for("ledger")
    await gateway.sql('ALTER TABLE "Ledger"."order" RENAME TO whole')
    keys = '(LIKE "Ledger".whole INCLUDING DEFAULTS, PRIMARY KEY (book, number), UNIQUE (book, "Title"))'
    await gateway.sql(f'CREATE TABLE "Ledger"."order" {keys} PARTITION BY LIST (book)')
    for book in "ab":
        await gateway.sql(
            f"""CREATE TABLE "Ledger".{book} PARTITION OF "Ledger"."order" FOR VALUES IN ('{book}')"""
        )
    stored = [account(n, book=book) for book in "ab" for n in range(10)]
    assert (await gateway.call(_ACCOUNTS, accounts=stored)).inserted_count == 20

    changed = [account(n, limit=5) for n in range(10)]
    taken = [account(100 + n, book="b", title=f"t{n}") for n in range(10)]
    answer = await gateway.call(_ACCOUNTS, accounts=[*changed, *taken], partial_failure=True)
    assert answer.updated_count == 10
    assert {index: reason for index, (reason, _) in named(answer).items()} == dict.fromkeys(
        range(10, 20), "UNIQUE_VIOLATION"
    )
