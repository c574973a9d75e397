"""Any sequence of writes leaves what a dictionary says: codes, reasons, rows, versions, etags."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway

SERVICE = "ledger.v1.AccountService"
FIELDS = ("owner", "title", "iban", "limit", "note")
OPTIONAL = frozenset({"iban", "note"})
ZERO = {"owner": "", "title": "", "limit": 0}

Key = tuple[str, int]


class Refused(Exception):  # noqa: N818 - reads as what happened
    """What the model refuses, by reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Account:
    """A row as the model keeps it."""

    values: dict[str, Any]
    revision: int = 1
    live: bool = True


@dataclass
class Model:
    """What the table should hold. Batches work on a copy, so that they are all or nothing."""

    rows: dict[Key, Account] = field(default_factory=dict)

    def create(self, key: Key, values: dict[str, Any]) -> Account:
        """Insert a row."""
        row = Account({**ZERO, "iban": None, "note": "none", **values})
        self._check(key, row)
        if key in self.rows:
            raise Refused("UNIQUE_VIOLATION")
        self.rows[key] = row
        return row

    def update(
        self, key: Key, values: dict[str, Any], mask: list[str] | None, expected: int | None, *, missing: bool
    ) -> Account:
        """Change a row, or create it where it may be missing."""
        if key not in self.rows:
            if not missing:
                raise Refused("ROW_NOT_FOUND")
            if expected is not None:
                raise Refused("ETAG_MISMATCH")
            return self.create(key, values)
        row = self._expected(key, expected, live=True)
        named = [name for name in values if name in OPTIONAL or values[name]] if mask is None else mask
        if named == ["*"]:
            named = list(FIELDS)
        new = {name: values.get(name, ZERO.get(name)) for name in named}
        if not new:
            return row
        return self._store(key, replace(row, values={**row.values, **new}, revision=row.revision + 1))

    def delete(self, key: Key, expected: int | None, *, missing: bool) -> Account | None:
        """Mark a row as deleted."""
        if key not in self.rows or not self.rows[key].live:
            if not missing:
                raise Refused("ROW_NOT_FOUND")
            return self.rows.get(key)
        row = self._expected(key, expected, live=True)
        return self._store(key, replace(row, live=False, revision=row.revision + 1))

    def undelete(self, key: Key, expected: int | None) -> Account:
        """Take the mark off a row."""
        if key not in self.rows:
            raise Refused("ROW_NOT_FOUND")
        row = self._expected(key, expected, live=False)
        return self._store(key, replace(row, live=True, revision=row.revision + 1))

    def _expected(self, key: Key, expected: int | None, *, live: bool) -> Account:
        row = self.rows[key]
        if row.live is not live:
            raise Refused("ROW_DELETED" if live else "ROW_NOT_DELETED")
        if expected is not None and expected != row.revision:
            raise Refused("ETAG_MISMATCH")
        return row

    def _store(self, key: Key, row: Account) -> Account:
        self._check(key, row)
        self.rows[key] = row
        return row

    def _check(self, key: Key, row: Account) -> None:
        if row.values["limit"] < 0:
            raise Refused("CHECK_VIOLATION")
        others = [other for other_key, other in self.rows.items() if other_key != key]
        if any(other.values["iban"] == row.values["iban"] for other in others):
            raise Refused("UNIQUE_VIOLATION")
        if row.live and any(other.live and other.values["title"] == row.values["title"] for other in others):
            raise Refused("UNIQUE_VIOLATION")


KEYS = st.tuples(st.sampled_from(["a", "b"]), st.integers(1, 3))
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "owner": st.sampled_from(["", "ada"]),
        "title": st.sampled_from(["", "t1", "t2", "t3"]),
        "iban": st.sampled_from(["i1", "i2", "i3", "i4"]),
        "limit": st.sampled_from([0, 5, 9, -1]),
        "note": st.sampled_from(["", "n"]),
    },
)
MASKS = st.none() | st.just(["*"]) | st.lists(st.sampled_from(FIELDS), unique=True, min_size=1)
EXPECTED = st.sampled_from([None, None, None, 1, 2, 3])
CREATE = st.tuples(st.just("create"), KEYS, VALUES)
UPDATE = st.tuples(st.just("update"), KEYS, VALUES, MASKS, EXPECTED, st.booleans())
DELETE = st.tuples(st.just("delete"), KEYS, EXPECTED, st.booleans())
UNDELETE = st.tuples(st.just("undelete"), KEYS, EXPECTED)


def batch(kind: str, item: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return batches of distinct keys: two changes of one row are refused, which has a test of its own."""
    items = st.lists(item, min_size=1, max_size=4, unique_by=lambda one: one[1])
    return st.tuples(st.just(kind), items)


ANY = st.one_of(
    CREATE,
    UPDATE,
    DELETE,
    UNDELETE,
    batch("BatchCreateAccounts", CREATE),
    batch("BatchUpdateAccounts", UPDATE),
    batch("BatchDeleteAccounts", DELETE),
)


def request_of(operation: tuple[Any, ...]) -> tuple[str, dict[str, Any]]:
    """Return the method and the request of one operation."""
    kind, key, *rest = operation
    names = {"book": key[0], "number": key[1]}
    if kind == "create":
        return "CreateAccount", {"account": {**names, **rest[0]}}
    if kind == "update":
        values, mask, expected, missing = rest
        return "UpdateAccount", {
            "account": {**names, **values, "revision": 77, "opened_at": "2001-01-01T00:00:00Z"},
            "update_mask": ",".join(mask or []),
            "etag": etag(expected),
            "allow_missing": missing,
        }
    if kind == "delete":
        return "DeleteAccount", {**names, "etag": etag(rest[0]), "allow_missing": rest[1]}
    return "UndeleteAccount", {**names, "version": rest[0] or 0}


def etag(version: int | None) -> str:
    """Return the etag that a client would have read."""
    return f'"v{version}"' if version else ""


def apply(model: Model, operation: tuple[Any, ...]) -> Account | None:
    """Carry out one operation in the model."""
    kind, key, *rest = operation
    if kind == "create":
        return model.create(key, *rest)
    if kind == "update":
        return model.update(key, *rest[:3], missing=rest[3])
    if kind == "delete":
        return model.delete(key, rest[0], missing=rest[1])
    return model.undelete(key, rest[0])


def shown(account: Any) -> Account | None:
    """Return a message as the model's row; None for an empty one."""
    if not account.book:
        return None
    assert account.etag == f'"v{account.revision}"'
    values = {
        name: getattr(account, name) if name not in OPTIONAL or account.HasField(name) else None
        for name in FIELDS
    }
    return Account(values, account.revision, not account.HasField("closed_at"))


Outcome = tuple[str, list[Account | None], dict[Key, Account]]


def outcome(model: Model, items: Sequence[tuple[Any, ...]], order: Sequence[int]) -> Outcome:
    """Return the reason, the answers, and the rows afterwards, of items done in one order."""
    trial = Model(dict(model.rows))
    answers: dict[int, Account | None] = {}
    try:
        for i in order:
            answers[i] = apply(trial, items[i])
    except Refused as refused:
        return refused.reason, [], model.rows
    return "", [answers[i] for i in range(len(items))], trial.rows


async def run(gateway: RunningGateway, model: Model, operation: tuple[Any, ...]) -> None:
    """Carry out an operation, or a batch, in both; compare answers or refusals.

    A batch sets rows in an order of its own, so a unique key that one item frees and another takes may or may
    not fit: any order's outcome will do.
    """
    is_batch = operation[0].startswith("Batch")
    items = operation[1] if is_batch else [operation]
    possible = [outcome(model, items, order) for order in permutations(range(len(items)))]
    if is_batch:
        method, request = operation[0], {"requests": [request_of(item)[1] for item in items]}
    else:
        method, request = request_of(operation)
    reason, answers = "", []
    try:
        answer = await gateway.call(f"{SERVICE}/{method}", request)
        answers = [shown(one) for one in (answer.accounts if is_batch else [answer])]
    except RpcFailed as failed:
        reason = failed.reason
    fitting = [rows for *told, rows in possible if told == [reason, answers]]
    assert fitting, (reason, answers, possible)
    model.rows = fitting[0]


@pytest.fixture(scope="module")
async def gateway(module_gateway_for: GatewayFor) -> RunningGateway:
    return await module_gateway_for("ledger")


@given(operations=st.lists(ANY, max_size=12))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_writes_agree_with_a_dictionary(gateway: RunningGateway, operations: list[Any]) -> None:
    await gateway.sql('TRUNCATE "Ledger"."order" CASCADE')
    model = Model()
    for operation in operations:
        await run(gateway, model, operation)
    listed = await gateway.call(f"{SERVICE}/ListAccounts", show_deleted=True)
    assert {(one.book, one.number): shown(one) for one in listed.accounts} == model.rows
    live = await gateway.call(f"{SERVICE}/ListAccounts")
    assert {(one.book, one.number) for one in live.accounts} == {
        k for k, row in model.rows.items() if row.live
    }
    stored = await gateway.sql('SELECT book, number, revision FROM "Ledger"."order"')
    assert {(row["book"], row["number"]): row["revision"] for row in stored} == {
        key: row.revision for key, row in model.rows.items()
    }
