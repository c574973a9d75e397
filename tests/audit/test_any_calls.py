"""Whatever is called, what is kept is what PostgreSQL's own versions of rows say was written."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.audit.kept import CALLERS, Audited, Kept, audited_database, audited_tables, changes, key_of
from tests.harness.client import RpcFailed
from tests.harness.databases import Databases, fetch

NOTES = [f"00000000-0000-4000-8000-00000000000{n}" for n in range(3)]
TABLES = 'public."Order", note, folder, page, scrap, rowgate.audit, rowgate.ingest, rowgate.idempotency'
NAMES = [one.name for one in CALLERS]
Fields = dict[str, st.SearchStrategy[Any]]

texts = st.sampled_from(["a", "b"])
numbers = st.integers(1, 3)
orders = st.fixed_dictionaries({"user": st.sampled_from(["u", "ü"]), "number": numbers, "text": texts})
notes = st.fixed_dictionaries(
    {"id": st.sampled_from(NOTES), "title": st.sampled_from(["x", "y", "z"]), "text": texts}
)
folders = st.fixed_dictionaries({"id": numbers, "title": texts})
pages = st.fixed_dictionaries({"folder_id": numbers, "name": st.sampled_from(["p", "q"]), "text": texts})
flags = st.booleans()
ids = st.sampled_from(NOTES)
FILTERS = {
    "Order": ["*", 'user = "u"', "number > 1"],
    "Note": ["*", 'title = "x"'],
    "Folder": ["*", "id < 3"],
    "Page": ["*", "folder_id = 2", 'name = "p"'],
}
conflicts = st.sampled_from(["ON_CONFLICT_UPDATE", "ON_CONFLICT_IGNORE", "ON_CONFLICT_FAIL"])

OWN_ORDERS = {
    "auth_tenant_column": "user",
    "auth_tenant_claim": "user",
    "auth_tenant_exempt": ",".join(
        f"audited.v1.{name}" for name in ("Note", "Folder", "Page", "Scrap", "Entry")
    ),
}


def _methods() -> Iterator[tuple[str, Fields]]:
    """Yield every method that writes with its requests: some with flags, some of rows that aren't there."""
    kinds = {"Order": orders, "Note": notes, "Folder": folders, "Page": pages}
    for kind, rows in kinds.items():
        service, one = f"{kind}Service", kind.lower()
        yield f"{service}/Create{kind}", {one: rows, "validate_only": flags}
        yield f"{service}/Update{kind}", {one: rows, "allow_missing": flags}
        yield f"{service}/BatchCreate{kind}s", {"requests": _list({one: rows})}
        yield f"{service}/BatchUpdate{kind}s", {"requests": _list({one: rows, "allow_missing": flags})}
        bulk = {f"{one}s": st.lists(rows, max_size=6), "partial_failure": flags, "on_conflict": conflicts}
        yield f"{service}/BulkUpsert{kind}s", bulk
        found = {"filter": st.sampled_from(FILTERS[kind]), "max_rows": st.sampled_from([1, 9])}
        found |= {"validate_only": flags}
        values = st.fixed_dictionaries({"title" if kind == "Folder" else "text": texts})
        yield f"{service}/Update{kind}sByFilter", {**found, one: values}
        yield f"{service}/Delete{kind}sByFilter", {**found, **({"force": flags} if kind == "Folder" else {})}
    yield "OrderService/DeleteOrder", {"user": st.just("u"), "number": numbers, "allow_missing": flags}
    yield "NoteService/DeleteNote", {"id": ids, "allow_missing": flags}
    yield "NoteService/UndeleteNote", {"id": ids}
    yield "NoteService/BatchDeleteNotes", {"ids": st.lists(ids, max_size=2)}
    yield "FolderService/DeleteFolder", {"id": numbers, "force": flags}
    yield "FolderService/BatchDeleteFolders", {"ids": st.lists(numbers, max_size=3), "force": flags}
    yield "PageService/DeletePage", {"folder_id": numbers, "name": st.sampled_from(["p", "q"])}


def _list(fields: Fields) -> st.SearchStrategy[Any]:
    return st.lists(st.fixed_dictionaries(fields), max_size=4)


METHODS = dict(_methods())
REFUSALS = frozenset(
    {
        *("ROW_NOT_FOUND", "ROW_NOT_ALLOWED", "ROW_NOT_DELETED"),
        *("UNIQUE_VIOLATION", "FOREIGN_KEY_VIOLATION", "DUPLICATE_IN_BATCH"),
        *("TOO_MANY_ROWS_FOUND", "ROW_IS_REFERENCED"),
    }
)
"""Why such calls may be refused."""


@contextmanager
def refused_or_not() -> Iterator[None]:
    """Let a call be refused by what is stored; raise what else it fails with."""
    try:
        yield
    except RpcFailed as failed:
        if failed.reason not in REFUSALS:
            raise


@st.composite
def called(draw: st.DrawFn) -> tuple[str, str, dict[str, Any]]:
    """Return a caller, a method and a request."""
    name, method = draw(st.sampled_from(NAMES)), draw(st.sampled_from([*METHODS]))
    return name, method, draw(st.fixed_dictionaries(METHODS[method]))


@pytest.fixture(scope="module", params=["all rows", "rows of one's own"])
async def audited(
    request: pytest.FixtureRequest,
    databases: Databases,
    tmp_path_factory: pytest.TempPathFactory,
    transport: str,
) -> AsyncIterator[Audited]:
    """Serve the tables without policies, and with one that hides some orders from all callers."""
    dsn = await audited_database(databases)
    policies = OWN_ORDERS if request.param == "rows of one's own" else {}
    folder = tmp_path_factory.mktemp("any-calls")
    async with audited_tables(dsn, folder, transport, **policies) as served:
        yield served


FIRST = ("ann", "OrderService/CreateOrder", {"order": {"user": "u", "number": 9}})
"""A call that changes something."""


@given(st.lists(called(), max_size=25))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
async def test_any_sequence(audited: Audited, calls: list[tuple[str, str, Any]]) -> None:
    await fetch(audited.dsn, f"TRUNCATE {TABLES}")
    before, earlier = await audited.stored(), 0
    for name, method, fields in (FIRST, *calls):
        with refused_or_not():
            await audited.call(name, method, **fields)
        after, kept = await audited.stored(), await audited.kept()
        assert Counter(one[:3] for one in kept[earlier:]) == _as_told(method, changes(before, after))
        assert {(one.method, one.who) for one in kept[earlier:]} <= {(method, f"api_key:{name}")}
        before, earlier = after, len(kept)
    assert earlier


def _as_told(method: str, made: Counter[tuple[str, str, str]]) -> Counter[tuple[str, str, str]]:
    """Return the changes as they are kept: a bulk upsert restores by an UPDATE."""
    if "BulkUpsert" not in method:
        return made
    return Counter(
        {(table, key, action.replace("UNDELETE", "UPDATE")): n for (table, key, action), n in made.items()}
    )


@pytest.mark.parametrize("seed", range(4))
async def test_calls_at_once(audited: Audited, seed: int) -> None:
    """What is kept of each key is a history that ends with what is stored, by the number of its version."""
    await fetch(audited.dsn, f"TRUNCATE {TABLES}")
    random = Random(seed)  # noqa: S311 - a test's own

    async def one() -> None:
        row = {"user": random.choice("uv"), "number": random.randint(1, 8), "text": random.choice("ab")}
        key = {"user": row["user"], "number": row["number"]}
        method, fields = random.choice(
            [
                ("CreateOrder", {"order": row}),
                ("UpdateOrder", {"order": row}),
                ("UpdateOrder", {"order": row, "allow_missing": True}),
                ("DeleteOrder", key),
                ("BatchUpdateOrders", {"requests": [{"order": row}]}),
                ("BulkUpsertOrders", {"orders": [row]}),
            ]
        )
        with refused_or_not():
            await audited.call(random.choice(NAMES), f"OrderService/{method}", **fields)

    await asyncio.gather(*(one() for _ in range(400)))
    stored = await fetch(audited.dsn, 'SELECT "user", "Mixed ""Case""" AS number, version FROM "Order"')
    versions = {key_of(user=row["user"], number=row["number"]): row["version"] for row in stored}
    assert versions
    assert _versions(await audited.kept()) == versions


def _versions(kept: list[Kept]) -> dict[str, int]:
    """Return the version of each key that is there, after what is kept."""
    versions: dict[str, int] = {}
    for one in kept:
        if one.action == "INSERT":
            assert one.key not in versions
            versions[one.key] = 1
        elif one.action == "UPDATE":
            versions[one.key] += 1
        else:
            del versions[one.key]
    return versions
