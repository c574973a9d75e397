"""A case: a question over drawn rows, asked of a gateway, and its answer beside what SQL says is due."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import asyncpg
from google.protobuf.json_format import MessageToDict

from tests.harness.client import Client, RpcFailed
from tests.queries_oracle.aggregates import STATISTICS, Grouping, aggregated, drawn_grouping
from tests.queries_oracle.answers import Tree, found_rows, groups, told_rows
from tests.queries_oracle.compared import Wrong, alike, compare, told_of
from tests.queries_oracle.questions import BY_KEY, VERBS, Question, drawn_question
from tests.queries_oracle.searches import Searching, drawn_search, found_hits, searched, told_hit
from tests.queries_oracle.served import Served
from tests.queries_oracle.shown import heard_row, spelled_order
from tests.queries_oracle.slow import SlowCalls, watched
from tests.queries_oracle.tables import SCHEMAS
from tests.queries_oracle.world import drawn_world

OF_ONE_WORLD = 50
"""So many cases are asked of the same rows."""
_SECONDS = 120
"""That a call may take: a machine may have much else to do."""
_MOST_TRIES = 300
"""That are made to find a smaller question that fails."""
Asked = Question | Grouping | Searching


@dataclass(slots=True)
class Tally:
    """What cases came to."""

    cases: int = 0
    calls: int = 0
    rows: int = 0
    empty: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slow: SlowCalls = field(default_factory=SlowCalls)

    def __str__(self) -> str:
        """Return the counts."""
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.kinds.items()))
        return (
            f"{self.cases} cases ({kinds}), {len(self.faults)} answers other than SQL's; "
            f"{self.calls} calls, {self.rows} rows or groups compared, {self.empty} cases that find none; "
            f"{self.slow.count} calls took over {self.slow.seconds:g} s"
        )


class Case:
    """One number's question.

    Args:
        number: draws all of it.
        served: the schemas.
        tally: is told.

    """

    def __init__(self, number: int, served: Mapping[str, Served], tally: Tally) -> None:
        self.number = number
        self.tally = tally
        self.block = number // OF_ONE_WORLD
        self.chance = Random(number)  # noqa: S311 - cases, no secrets
        names = sorted(served)
        self.served = served[names[self.block % len(names)]]
        self.transport = sorted(self.served.clients)[self.chance.randrange(len(self.served.clients))]

    @property
    def client(self) -> Client:
        """What asks."""
        return self.served.clients[self.transport]

    async def run(self) -> str:
        """Ask; return what was wrong, of the smallest question that is."""
        if self.served.drawn != self.block:
            await self.served.fill(drawn_world(self.served.schema, Random(self.block)))  # noqa: S311 - as above
            self.served.drawn = self.block
        asked = self._drawn()
        self.tally.cases += 1
        self.tally.kinds[asked.verb] += 1
        wrong = await self.tried(asked)
        if not wrong:
            return ""
        asked, wrong = await self._smallest(asked, wrong)
        sql = asked.condition() if isinstance(asked, Question) else asked.sql()
        fault = (
            f"case {self.number} ({self.served.schema}, {self.transport}): {asked}\n  {wrong}\n  SQL: {sql}"
        )
        self.tally.faults.append(fault)
        return fault

    def _drawn(self) -> Asked:
        verb = self.chance.choice(VERBS)
        tables = SCHEMAS[self.served.schema]
        of_some = {"Aggregate": aggregated, "Search": searched}
        table = self.chance.choice(
            of_some[verb](self.served.schema) if verb in of_some else list(tables.values())
        )
        of_rows = "List" if verb in of_some else verb
        question = drawn_question(of_rows, table, tables, self.served.world[table.name], self.chance)
        if verb == "Search":
            return drawn_search(question, self.chance)
        return drawn_grouping(question, self.chance) if verb == "Aggregate" else question

    async def _smallest(self, asked: Asked, wrong: str) -> tuple[Asked, str]:
        simpler: Iterator[Asked] = asked.simpler()
        for _ in range(_MOST_TRIES):
            one = next(simpler, None)
            if one is None:
                break
            found = await self.tried(one)
            if found:
                asked, wrong, simpler = one, found, one.simpler()
        return asked, wrong

    async def tried(self, asked: Asked) -> str:
        """Ask, and return what was wrong."""
        try:
            if isinstance(asked, Grouping):
                await self._grouped(asked)
            elif isinstance(asked, Searching):
                await self._searched(asked)
            elif asked.verb in BY_KEY:
                await self._by_key(asked)
            else:
                await self._found(asked)
        except Wrong as wrong:
            return str(wrong)
        except RpcFailed as failed:
            return f"{failed.code.name} {failed.reason}: {failed.message}"
        except asyncpg.PostgresError as error:
            return f"SQL by hand fails: {error}"
        return ""

    async def _found(self, asked: Question) -> None:
        due = await found_rows(self.served, asked)
        self.tally.rows += len(due)
        self.tally.empty += not due
        if asked.verb == "Count":
            await self._counted(asked, len(due))
            return
        rows = await told_rows(self.served, asked.table, due, asked.shown)
        if asked.verb == "Stream":
            await self._streamed(asked, rows)
        else:
            heard = await self._pages(asked, len(due))
            compare(rows, [told_of(asked, message) for message in heard])

    async def _counted(self, asked: Question, due: int) -> None:
        answer = await self._call(asked, "Count", asked.rows)
        if (answer.count, answer.estimated) != (due, False):
            raise Wrong(f"counts {answer.count}, where {due} are")
        if asked.table.name in STATISTICS:
            exists = (await self._call(asked, "Exists", asked.rows)).exists
            if exists != (due > 0):
                raise Wrong(f"tells that there is one: {exists}, where {due} are")

    async def _pages(self, asked: Question, total: int) -> list[Any]:
        heard: list[Any] = []
        token = ""
        for _ in range(total + 2):
            more = {"page_size": asked.page_size, "page_token": token, **self._ordered(asked)}
            page = await self._call(asked, "List", more)
            rows = getattr(page, asked.table.rows)
            if page.total_size != total or len(rows) > asked.page_size:
                raise Wrong(f"tells {len(rows)} rows of {page.total_size}, where {total} are")
            heard += rows
            token = page.next_page_token
            if not token:
                return heard
        raise Wrong(f"has pages without end, where {total} rows are")

    async def _streamed(self, asked: Question, due: list[Tree]) -> None:
        """Read a stream, and what follows one of its chunks."""
        chunks = [chunk async for chunk in self._stream(asked, "")]
        rows = [[told_of(asked, message) for message in getattr(chunk, asked.table.rows)] for chunk in chunks]
        compare(due, [row for some in rows for row in some])
        place = len(chunks) // 2
        if place:
            rest = [
                told_of(asked, message)
                async for chunk in self._stream(asked, chunks[place - 1].resume_token)
                for message in getattr(chunk, asked.table.rows)
            ]
            compare([row for some in rows[place:] for row in some], rest)

    async def _by_key(self, asked: Question) -> None:
        rows = self.served.world[asked.table.name]
        by_key = {repr([row[name] for name in asked.table.key]): number for number, row in enumerate(rows)}
        numbers = [by_key.get(repr([key[name] for name in asked.table.key])) for key in asked.keys]
        there = [number for number in numbers if number is not None]
        self.tally.rows += len(there)
        due = await told_rows(self.served, asked.table, there, asked.shown)
        if asked.verb == "Get":
            await self._got(asked, due)
            return
        name, key = asked.table.key[0], asked.table.key
        keys = {"keys": list(asked.keys)} if len(key) > 1 else {f"{name}s": [one[name] for one in asked.keys]}
        answer = await self._call(asked, "BatchGet", keys)
        compare(due, [told_of(asked, message) for message in getattr(answer, asked.table.rows)])
        if len(answer.missing) != len(numbers) - len(there):
            raise Wrong(f"misses {answer.missing}")

    async def _got(self, asked: Question, due: list[Tree]) -> None:
        try:
            heard = [told_of(asked, await self._call(asked, "Get", asked.keys[0]))]
        except RpcFailed as failed:
            if failed.reason != "ROW_NOT_FOUND":
                raise
            heard = []
        compare(due, heard)

    async def _grouped(self, asked: Grouping) -> None:
        due = await groups(self.served, asked)
        self.tally.rows += len(due)
        self.tally.empty += not due
        heard: list[Any] = []
        token = ""
        for _ in range(len(due) + 2):
            more = {**asked.request, "page_size": asked.rows.page_size, "page_token": token}
            page = await self._call(asked.rows, "Aggregate", more, mask=asked.mask)
            heard += [heard_row(asked.statistics.answer, group) for group in page.groups]
            token = page.next_page_token
            if not token:
                break
        compare(due, heard, alike)

    async def _searched(self, asked: Searching) -> None:
        due = await found_hits(self.served, asked)
        self.tally.rows += len(due)
        self.tally.empty += not due
        rows, table = asked.rows, asked.rows.table
        trees = await told_rows(self.served, table, [number for number, _ in due], rows.shown)
        heard: list[Any] = []
        token = ""
        for _ in range(len(due) + 2):
            more = {**asked.parts, **rows.rows, "page_size": rows.page_size, "page_token": token}
            page = await self._call(rows, "Search", more)
            heard += [
                {**told_hit(hit), "row": told_of(rows, getattr(hit, table.name.lower()))} for hit in page.hits
            ]
            token = page.next_page_token
            if not token:
                break
        compare([{**told, "row": tree} for (_, told), tree in zip(due, trees, strict=True)], heard)

    def _ordered(self, asked: Question) -> Mapping[str, Any]:
        return {**asked.rows, "order_by": spelled_order(asked.order)}

    async def _call(
        self, asked: Question, verb: str, fields: Mapping[str, Any], *, mask: Sequence[str] | None = None
    ) -> Any:
        self.tally.calls += 1
        method, message = self._message(asked, verb, fields)
        if mask is not None:
            message.read_mask.paths.extend(mask)
        async with self._watched(method, message):
            return await self.client.call(method, message, timeout=_SECONDS)

    async def _stream(self, asked: Question, token: str) -> AsyncIterator[Any]:
        self.tally.calls += 1
        method, message = self._message(asked, "Stream", {**self._ordered(asked), "resume_token": token})
        async with self._watched(method, message):
            async for chunk in self.client.stream(method, message, timeout=_SECONDS):
                yield chunk

    def _watched(self, method: str, message: Any) -> AbstractAsyncContextManager[None]:
        asked = f"case {self.number} ({self.transport}): {method} {MessageToDict(message)}"
        return watched(self.served.sql, asked, self.tally.slow)

    def _message(self, asked: Question, verb: str, fields: Mapping[str, Any]) -> tuple[str, Any]:
        """Return a method and its request."""
        table, schema = asked.table, self.served.schema
        name = f"{verb}{table.name if verb == 'Get' else table.plural}"
        of_table = "Search" if verb == "Search" else "Statistics" if table.name in STATISTICS else ""
        service = f"{table.name}{of_table}Service"
        message = self.client.message(
            f"{schema}.v1.{name}Request",
            {one: value for one, value in fields.items() if one not in asked.equal},
        )
        for one, value in asked.equal.items():
            enum = message.DESCRIPTOR.fields_by_name[one].enum_type
            setattr(message, one, enum.values_by_name[value].number if enum else value)
        if verb in ("Get", "BatchGet", "List", "Stream", "Search"):
            tables = SCHEMAS[schema]
            message.read_mask.paths.extend(asked.shown.paths(table, tables))
            for arguments in asked.shown.arguments(table, tables):
                message.relations.add(**arguments)
        return f"{schema}.v1.{service}/{name}", message
