"""Delete with force removes all that refers to a row, in any graph of references, and nothing else."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from time import process_time

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.methods.row_changes.dependents import MAX_DEPENDENTS, MAX_DEPTH, Dependents, Guards
from gateway.schema.protos.sources import compile_protos
from gateway.schema.read import read_schema
from gateway.schema.tables.metadata import build_tables
from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway

SERVICE = "tree.v1.BranchService"
IDS = range(1, 6)
TARGET = st.none() | st.sampled_from(IDS)
TARGETS = st.lists(TARGET, min_size=len(IDS), max_size=len(IDS))
# Which column refers to which table; those of the first group go with their target.
REFERENCES = {
    ("branch", "parent_id"): "branch",
    ("branch", "twin_id"): "branch",
    ("branch", "bark_id"): "bark",
    ("bark", "branch_id"): "branch",
    ("owl", "bark_id"): "bark",
    ("nest", "branch_id"): "branch",
}
LOOSE = ("nest", "branch_id")

Row = tuple[str, int]


@dataclass(frozen=True)
class Forest:
    """Rows 1 to 5 of every table; per reference, the target of each row."""

    targets: dict[tuple[str, str], list[int | None]]

    def referring(self, to: Row) -> set[Row]:
        """Return the rows that can't outlive a row."""
        return {
            (table, i)
            for (table, column), targets in self.targets.items()
            if (table, column) != LOOSE and REFERENCES[table, column] == to[0]
            for i, target in zip(IDS, targets, strict=True)
            if target == to[1]
        }

    def closure(self, rows: Iterable[Row]) -> set[Row]:
        """Return the rows with all that refers to them, directly or not."""
        gone: set[Row] = set()
        left = list(rows)
        while left:
            row = left.pop()
            if row not in gone:
                gone.add(row)
                left += self.referring(row)
        return gone

    async def plant(self, connection: asyncpg.Connection) -> None:
        """Store the rows."""
        tables = {table for table, _ in self.targets}
        await connection.execute(f"TRUNCATE {', '.join(tables)}")
        for table in tables:
            await connection.execute(f"INSERT INTO {table} SELECT generate_series(1, {len(IDS)})")
        for (table, column), targets in self.targets.items():
            pairs = list(zip(targets, IDS, strict=True))
            await connection.executemany(f"UPDATE {table} SET {column} = $1 WHERE id = $2", pairs)  # noqa: S608


FORESTS = st.fixed_dictionaries(dict.fromkeys(REFERENCES, TARGETS)).map(Forest)


@dataclass(frozen=True, repr=False)
class Bench:
    """A gateway, and a connection past it."""

    gateway: RunningGateway
    plain: asyncpg.Connection

    async def rows(self) -> set[Row]:
        """Return the rows of all tables."""
        tables = ("branch", "bark", "owl", "nest")
        text = " UNION ALL ".join(f"SELECT '{table}' AS table, id FROM {table}" for table in tables)  # noqa: S608
        return {(row["table"], row["id"]) for row in await self.plain.fetch(text)}


@pytest.fixture(scope="module")
async def bench(module_gateway_for: GatewayFor) -> AsyncIterator[Bench]:
    gateway = await module_gateway_for("tree")
    plain = await asyncpg.connect(gateway.dsn)
    yield Bench(gateway, plain)
    await plain.close()


@given(forest=FORESTS, ids=st.lists(st.sampled_from(IDS), min_size=1, max_size=3, unique=True))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_force_removes_the_closure(bench: Bench, forest: Forest, ids: list[int]) -> None:
    await forest.plant(bench.plain)
    before = await bench.rows()
    if len(ids) == 1:
        await bench.gateway.call(f"{SERVICE}/DeleteBranch", id=ids[0], force=True)
    else:
        await bench.gateway.call(f"{SERVICE}/BatchDeleteBranches", ids=ids, force=True)
    assert before - await bench.rows() == forest.closure(("branch", i) for i in ids)


@given(forest=FORESTS, id_=st.sampled_from(IDS))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_without_force_what_refers_to_the_row_forbids(bench: Bench, forest: Forest, id_: int) -> None:
    await forest.plant(bench.plain)
    before = await bench.rows()
    others = forest.referring(("branch", id_)) - {("branch", id_)}
    if not others:
        await bench.gateway.call(f"{SERVICE}/DeleteBranch", id=id_)
        assert before - await bench.rows() == {("branch", id_)}
        return
    with pytest.raises(RpcFailed) as failed:
        await bench.gateway.call(f"{SERVICE}/DeleteBranch", id=id_)
    assert (failed.value.code.name, failed.value.reason) == ("FAILED_PRECONDITION", "ROW_IS_REFERENCED")
    assert failed.value.metadata["table"] in {table for table, _ in others}
    assert await bench.rows() == before


async def test_force_has_limits(bench: Bench) -> None:
    await bench.plain.execute("TRUNCATE branch, bark, owl, nest")
    await bench.plain.execute(
        f"INSERT INTO branch (id, parent_id) SELECT i, nullif(i - 1, 0)"  # noqa: S608 - a constant
        f" FROM generate_series(1, {MAX_DEPTH + 1}) AS i"
    )
    with pytest.raises(RpcFailed) as failed:
        await bench.gateway.call(f"{SERVICE}/DeleteBranch", id=1, force=True)
    assert failed.value.reason == "REFERENCES_TOO_DEEP"
    await bench.gateway.call(f"{SERVICE}/DeleteBranch", id=2, force=True)
    assert await bench.rows() == {("branch", 1)}
    await bench.plain.execute(
        f"INSERT INTO branch (id, parent_id) SELECT i, 1 FROM generate_series(2, {MAX_DEPENDENTS + 1}) AS i"  # noqa: S608
    )
    with pytest.raises(RpcFailed) as failed:
        await bench.gateway.call(f"{SERVICE}/DeleteBranch", id=1, force=True)
    assert failed.value.reason == "TOO_MANY_DEPENDENTS"
    assert len(await bench.rows()) == MAX_DEPENDENTS + 1
    await bench.plain.execute("DELETE FROM branch WHERE id = 2")
    await bench.gateway.call(f"{SERVICE}/DeleteBranch", id=1, force=True)
    assert await bench.rows() == set()


async def test_what_the_schema_does_not_know_of_stays_with_force(bench: Bench) -> None:
    """It said to set force, which the request had."""
    await Forest({reference: [None] * 5 for reference in REFERENCES}).plant(bench.plain)
    await bench.plain.execute("CREATE TABLE theirs AS SELECT 1::bigint AS id")
    await bench.plain.execute("ALTER TABLE theirs ADD FOREIGN KEY (id) REFERENCES branch")
    try:
        with pytest.raises(RpcFailed, match="takes those that the schema knows of") as failed:
            await bench.gateway.call(f"{SERVICE}/DeleteBranch", id=1, force=True)
    finally:
        await bench.plain.execute("DROP TABLE theirs")
    assert failed.value.metadata["table"] == "theirs"


async def test_a_row_that_a_trigger_keeps_is_told_with_force_too(bench: Bench) -> None:
    targets: dict[tuple[str, str], list[int | None]] = {reference: [None] * 5 for reference in REFERENCES}
    targets[("owl", "bark_id")] = targets[("bark", "branch_id")] = [1] * 5
    await Forest(targets).plant(bench.plain)
    keep = "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
    await bench.plain.execute(keep)
    trigger = "CREATE TRIGGER keep BEFORE DELETE ON branch FOR EACH ROW WHEN (OLD.id < 3)"
    await bench.plain.execute(f"{trigger} EXECUTE FUNCTION keep()")
    before = await bench.rows()
    try:
        for call, asked in (("DeleteBranch", {"id": 1}), ("BatchDeleteBranches", {"ids": [3, 2]})):
            with pytest.raises(RpcFailed) as failed:
                await bench.gateway.call(f"{SERVICE}/{call}", **asked, force=True)
            assert failed.value.reason == "ROW_KEPT_OUT"
            assert await bench.rows() == before
    finally:
        await bench.plain.execute("DROP FUNCTION keep CASCADE")


def test_what_refers_to_a_table_is_found_in_linear_time(tmp_path: Path) -> None:
    """Each of many tables in one chain is referred to by all behind it, in some way."""
    seconds = [_start_seconds(tmp_path / str(length), length) for length in (20, 160)]
    assert seconds[1] < 24 * seconds[0]


def _start_seconds(folder: Path, length: int) -> float:
    """Return the processor's time that the deletes of a chain of tables take at the start."""
    folder.mkdir()
    options = '(rowgate.v1.table) = {{name: "link_{0}" primary_key: "id" managed: false}}'
    other = 'optional int64 other = 2 [(rowgate.v1.column).references = {{table: "link_{1}"}}]'
    link = f"message Link{{0}} {{{{ option {options}; int64 id = 1; {other}; }}}}\n"
    head = 'syntax = "proto3";\npackage chain;\nimport "rowgate/v1/annotations.proto";\n'
    links = "".join(link.format(i, max(i - 1, 0)) for i in range(length))
    (folder / "chain.proto").write_text(head + links)
    schema = read_schema(compile_protos(folder))
    tables = build_tables(schema).tables
    before = process_time()
    made = [Dependents(resource, tables[name], Guards()) for name, resource in schema.resources.items()]
    assert all(one.exist for one in made[:-1])
    return process_time() - before
