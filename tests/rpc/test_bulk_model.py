"""BulkUpsert against a model of it in Python: every option, keys sent twice, errors, deleted rows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway
from tests.rpc.bulk_ways import WAYS, taking

_METHOD = "ledger.v1.AccountService/BulkUpsertAccounts"
_COUNTS = {
    1: "inserted_count",
    2: "updated_count",
    3: "unchanged_count",
    4: "ignored_count",
    5: "failed_count",
    6: "superseded_count",
}
_INSERTED, _UPDATED, _UNCHANGED, _IGNORED, _FAILED, _SUPERSEDED = _COUNTS
_MASKS = st.sampled_from([(), ("note",), ("limit", "owner"), ("*",), ("title", "note", "revision")])

Key = tuple[str, int]


@dataclass(frozen=True)
class Account:
    """A sent row: a note of None is unset."""

    book: str
    number: int
    owner: str
    title: str
    limit: int
    note: str | None

    def message(self) -> dict[str, Any]:
        """Return the row as proto JSON."""
        fields = {**self.__dict__, "iban": f"{self.book}{self.number}", "revision": 99}
        return {name: value for name, value in fields.items() if value is not None}


@dataclass
class Stored:
    """A stored row."""

    values: dict[str, Any]
    revision: int = 1
    deleted: bool = False


@dataclass
class Model:
    """What the table should hold."""

    rows: dict[Key, Stored] = field(default_factory=dict)

    def upsert(self, sent: list[Account], options: Mapping[str, Any]) -> list[int]:
        """Return the expected outcomes, and change the model where the request is not refused whole."""
        before = {key: replace(row, values=dict(row.values)) for key, row in self.rows.items()}
        outcomes = _duplicates(sent, options)
        for i, account in enumerate(sent):
            if not outcomes[i]:
                outcomes[i] = self._one(account, options)
        if options["validate_only"] or (_FAILED in outcomes and not options["partial_failure"]):
            self.rows = before
        return outcomes

    def _one(self, sent: Account, options: Mapping[str, Any]) -> int:
        key = (sent.book, sent.number)
        values = {"owner": sent.owner, "title": sent.title, "limit": sent.limit, "note": sent.note}
        stored = self.rows.get(key)
        if stored is None:
            return self._insert(key, values)
        if options["on_conflict"] in ("ON_CONFLICT_IGNORE", "ON_CONFLICT_FAIL"):
            return _IGNORED if options["on_conflict"] == "ON_CONFLICT_IGNORE" else _FAILED
        mask = options["update_mask"]
        if mask and mask != ("*",):
            values = {name: value for name, value in values.items() if name in mask}
        if not mask:
            values = {name: value for name, value in values.items() if name != "note" or value is not None}
        return _update(stored, values)

    def _insert(self, key: Key, values: dict[str, Any]) -> int:
        if values["limit"] < 0:
            return _FAILED
        note = "none" if values["note"] is None else values["note"]
        self.rows[key] = Stored({**values, "note": note})
        return _INSERTED


def _update(stored: Stored, values: dict[str, Any]) -> int:
    after = {**stored.values, **values}
    if after == stored.values and not stored.deleted:
        return _UNCHANGED
    if after["limit"] < 0:
        return _FAILED
    stored.values, stored.deleted = after, False
    stored.revision += 1
    return _UPDATED


def _duplicates(sent: list[Account], options: Mapping[str, Any]) -> list[int]:
    outcomes = [0] * len(sent)
    seen: dict[Key, int] = {}
    for i, account in enumerate(sent):
        key = (account.book, account.number)
        if key in seen and options["on_duplicate"] == "ON_DUPLICATE_FAIL":
            outcomes[i] = _FAILED
            continue
        if key in seen:
            outcomes[seen[key]] = _SUPERSEDED
        seen[key] = i
    return outcomes


@st.composite
def _accounts(draw: st.DrawFn) -> Account:
    book, number = draw(st.sampled_from("ab")), draw(st.integers(1, 3))
    return Account(
        book=book,
        number=number,
        owner=draw(st.sampled_from(["", "o"])),
        title=f"{book}{number}{draw(st.sampled_from('xy'))}",
        limit=draw(st.sampled_from([0, 0, 0, 7, -1])),
        note=draw(st.sampled_from([None, "", "n"])),
    )


_OPTIONS = st.fixed_dictionaries(
    {
        "on_conflict": st.sampled_from(["ON_CONFLICT_UNSPECIFIED", "ON_CONFLICT_IGNORE", "ON_CONFLICT_FAIL"]),
        "on_duplicate": st.sampled_from(["ON_DUPLICATE_LAST_WINS", "ON_DUPLICATE_FAIL"]),
        "update_mask": _MASKS,
        "partial_failure": st.booleans(),
        "validate_only": st.sampled_from([False, False, False, True]),
        "by_iban": st.booleans(),
    }
)
_CALLS = st.lists(
    st.tuples(st.lists(_accounts(), max_size=8), _OPTIONS, st.sets(st.integers(1, 3))), min_size=1, max_size=4
)


@pytest.fixture(scope="module")
async def ledger(module_gateway_for: GatewayFor) -> RunningGateway:
    """One ledger for the module."""
    return await module_gateway_for("ledger")


@pytest.fixture(scope="module", params=WAYS)
def _way(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every way that rows can be written must come to the same."""
    with taking(request.param):
        yield


@pytest.mark.usefixtures("_way")
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(calls=_CALLS)
async def test_every_request_ends_as_the_model_says(
    ledger: RunningGateway, calls: list[tuple[list[Account], dict[str, Any], set[int]]]
) -> None:
    await ledger.sql('TRUNCATE "Ledger"."order" CASCADE')
    model = Model()
    for sent, options, deleted in calls:
        expected = model.upsert(sent, options)
        await _send(ledger, sent, options, expected)
        await _delete(ledger, model, deleted)
        await _compare(ledger, model)


async def _send(
    ledger: RunningGateway, sent: list[Account], options: dict[str, Any], expected: list[int]
) -> None:
    request = {name: options[name] for name in options if name not in ("by_iban", "update_mask")}
    request["update_mask"] = ",".join(options["update_mask"])
    if options["by_iban"]:
        request["conflict_target"] = ["iban"]
    request |= {"accounts": [account.message() for account in sent], "outcomes": True}
    if _FAILED in expected and not options["partial_failure"]:
        with pytest.raises(RpcFailed) as refused:
            await ledger.call(_METHOD, request)
        assert refused.value.metadata["failed_rows"] == str(expected.count(_FAILED))
        return
    answer = await ledger.call(_METHOD, request)
    assert list(answer.outcomes) == expected
    for outcome, count in _COUNTS.items():
        assert getattr(answer, count) == expected.count(outcome)
    assert [failure.index for failure in answer.failures] == [
        i for i, o in enumerate(expected) if o == _FAILED
    ]


async def _delete(ledger: RunningGateway, model: Model, numbers: set[int]) -> None:
    await ledger.sql('UPDATE "Ledger"."order" SET closed_at = now() WHERE number = ANY($1)', list(numbers))
    for (_, number), row in model.rows.items():
        row.deleted = row.deleted or number in numbers


async def _compare(ledger: RunningGateway, model: Model) -> None:
    stored = await ledger.sql('SELECT * FROM "Ledger"."order"')
    found = {
        (row["book"], row["number"]): (
            *(row[column] for column in ("user", "Title", "limit", "select", "revision")),
            row["closed_at"] is not None,
        )
        for row in stored
    }
    expected = {
        key: (*(row.values[name] for name in ("owner", "title", "limit", "note")), row.revision, row.deleted)
        for key, row in model.rows.items()
    }
    assert found == expected
