"""A round: a world, calls of one or several callers, and everything that they may not do."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random
from typing import Any

from tests.row_policies import world as worlds
from tests.row_policies.callers import all_callers, id_of
from tests.row_policies.calls import BULKS, BY_FILTER, READS, Call, Item
from tests.row_policies.columns import cut, shown
from tests.row_policies.drawing import call_of, drawn_call, drawn_caller, request_id, with_relations
from tests.row_policies.drawn_trees import with_held_rows
from tests.row_policies.oracle import OK, Expected, expected
from tests.row_policies.reads.across import is_in_order
from tests.row_policies.reads.held import with_related
from tests.row_policies.reads.queries import BYPASSING
from tests.row_policies.reads.queries import KINDS as QUERIES
from tests.row_policies.reads.related import target_of
from tests.row_policies.served import Answer, Served
from tests.row_policies.tables import CALLED, Row, Table
from tests.row_policies.visibility import hidden_from, visible
from tests.row_policies.world import World

_TELLS_OF_KEYS = ("ALREADY_EXISTS UNIQUE_VIOLATION", "FAILED_PRECONDITION")
"""What can't but tell of hidden rows: keys that they have, and references to and from them."""
_TOKENS_OF_OTHERS = "INVALID_ARGUMENT"
KINDS = ("alone",) * 12 + ("together",) * 3 + ("pages",) * 3 + ("replayed",) * 2


Draw = Callable[[str, World, Random], Call]
"""Draws a call for the world of a schema."""


@dataclass(slots=True)
class Tally:
    """What rounds came to."""

    rounds: int = 0
    calls: int = 0
    hidden: int = 0
    compared: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Return the counts."""
        return (
            f"{self.rounds} cases, {len(self.faults)} rows or values shown or changed that policy forbids, "
            f"{self.calls} answers as due, {self.compared} the same without the rows that are hidden"
        )

    def count(self, call: Call, outcome: str) -> None:
        """Count an answer."""
        self.calls += 1
        held = " with rows" if call.related and call.kind not in READS else ""
        name = f"{call.kind}{held}: {outcome}"
        self.outcomes[name] = self.outcomes.get(name, 0) + 1


_STEPS = 3
"""One in so many rounds makes its calls as steps of transactions."""


class Round:
    """One number's calls, against a served schema.

    Args:
        number: draws all of it.
        served: is called.
        tally: is told.
        draw: makes a call alone, in place of calls of all kinds.

    """

    def __init__(self, number: int, served: Served, tally: Tally, draw: Draw | None = None) -> None:
        self._draw = draw
        self.number = number
        self.served = served
        self.tally = tally
        self.chance = Random(number)  # noqa: S311 - cases, no secrets
        self.world = worlds.drawn_world(served.schema, self.chance)
        self.faults: list[str] = []

    async def run(self) -> Sequence[str]:
        """Make the calls; return what was wrong."""
        # Of a schema without writes, pages and transactions all is asked alone.
        alone = self._draw is not None or self.served.schema not in CALLED
        kind = "alone" if alone else self.chance.choice(KINDS)
        self.served.by_steps = self.number % _STEPS == 0 and self.served.schema in CALLED
        await worlds.write(self.served.sql, self.served.schema, self.world)
        await getattr(self, f"_{kind}")()
        self.tally.rounds += 1
        self.tally.faults += self.faults
        return self.faults

    async def _alone(self) -> None:
        """Make one call, and again without the rows that are hidden from its caller: nothing may differ."""
        draw = self._draw or _drawn
        call = draw(self.served.schema, self.world, self.chance)
        etags = await self._etags(call)
        answer = await self.served.ask(call, etags)
        after = await self._compare(call, answer, expected(self.world, call))
        if call.kind in BYPASSING:
            return  # they go past policies
        hidden = hidden_from(self.world, self.served.schema, call.caller)
        if not any(hidden.values()) or answer.outcome.startswith(_TELLS_OF_KEYS):
            return
        sends_hidden = any(key in hidden[name] for name, key in _sent_keys(call.table, call.items))
        self.tally.hidden += sends_hidden
        await worlds.write(self.served.sql, self.served.schema, worlds.without(self.world, hidden))
        if call.kind == "Ingest":
            call.request_id = request_id()
        bare = await self.served.ask(call, etags)
        writes_held = call.related and call.kind not in READS
        if sends_hidden and (call.kind in BULKS or writes_held):
            return  # a row that is hidden is refused, and one that isn't there may be inserted
        if any(told.startswith(_TELLS_OF_KEYS) for told in (bare.outcome, *bare.failures.values())):
            return
        self.tally.compared += 1
        # Of several rows the one that is refused is looked for, and a key that is taken may be found first.
        heard = partial(_heard, in_whole=not writes_held)
        if heard(bare) != heard(answer):
            self._fault(call, f"hidden rows change the answer: {answer}\n  without them: {bare}")
        left = await worlds.read(self.served.sql, self.served.schema)
        if left != worlds.without(after, hidden):
            self._fault(call, f"hidden rows change what is written: {after}\n  without them: {left}")

    async def _together(self) -> None:
        """Let many callers read and write rows of one table at once, each row written by one at most."""
        table = self.chance.choice(CALLED[self.served.schema])
        calls: list[Call] = []
        written: set[tuple[Any, ...]] = set()
        for _ in range(self.chance.randrange(4, 24)):
            caller = drawn_caller(self.world, table, self.chance)
            kind = self.chance.choice(
                ["Get", "Get", "Get", "Update", "Update", "Create", "Delete", "BulkUpsert"]
            )
            call = call_of(kind, table, caller, self.world, self.chance)
            _keep_apart(call, len(calls))
            if kind == "Get" or not any(item.key in written for item in call.items):
                calls.append(call)
                written |= set() if kind == "Get" else {item.key for item in call.items}
        calls = [call for call in calls if call.kind != "Get" or call.items[0].key not in written]
        etags = {key: etag for call in calls for key, etag in (await self._etags(call)).items()}
        answers = await asyncio.gather(*(self.served.ask(call, etags) for call in calls))
        whole = deepcopy(self.world)
        for call, answer in zip(calls, answers, strict=True):
            due = expected(whole, call)
            self._look(call, answer, due)
            if answer.outcome == OK and due.world is not None and OK in due.answers:
                whole = due.world
        self._look_at_tables(calls[0] if calls else None, whole, await self._read())

    async def _pages(self) -> None:
        """Read in pages or as a stream, and let another caller try the tokens."""
        table = self.chance.choice(CALLED[self.served.schema])
        caller = drawn_caller(self.world, table, self.chance)
        call = call_of(self.chance.choice(["List", "List", "Stream"]), table, caller, self.world, self.chance)
        call.page_size = self.chance.randrange(1, 4)
        call.mask = ()
        with_relations(call, self.chance)
        name = "resumeToken" if call.kind == "Stream" else "pageToken"
        rows: list[Row] = []
        token = ""
        for _ in range(40):
            answer = await self.served.ask(call, {}, **({name: token} if token else {}))
            rows += answer.rows
            token = answer.token
            if not token:
                break
            await self._by_another(call, name, token)
            if call.kind == "Stream":
                break
        due = expected(self.world, call)
        self._look(call, replace(answer, rows=rows), due)

    async def _by_another(self, call: Call, name: str, token: str) -> None:
        others = [one for one in all_callers() if id_of(one) != id_of(call.caller)]
        other = replace(call, caller=self.chance.choice(others))
        answer = await self.served.ask(other, {}, **{name: token})
        self.tally.count(other, answer.outcome)
        if not answer.outcome.startswith(_TOKENS_OF_OTHERS) or answer.rows:
            self._fault(other, f"a token of {call.caller.told} is answered by {answer}")

    async def _replayed(self) -> None:
        """Write with a request_id; let another caller use it, then the first again."""
        table = self.chance.choice(CALLED[self.served.schema])
        caller = drawn_caller(self.world, table, self.chance)
        kind = self.chance.choice(
            ["Create", "Update", "Delete", "BatchCreate", "BatchUpdate", "BulkUpsert", "Ingest", *BY_FILTER]
        )
        call = call_of(kind, table, caller, self.world, self.chance)
        call = with_held_rows(call, self.world, self.chance)
        call.validate_only = False
        call.request_id = request_id()  # another in every run: the gateway remembers
        etags = await self._etags(call)
        first = await self.served.ask(call, etags)
        world = await self._compare(call, first, expected(self.world, call))
        other = replace(call, caller=drawn_caller(world, table, self.chance))
        if id_of(other.caller) != id_of(caller):
            for item in other.items:
                item.etag = item.etag and "wrong" if first.outcome == OK else item.etag
            self.world = world
            world = await self._compare(other, await self.served.ask(other, etags), expected(world, other))
        if first.outcome != OK or kind == "Ingest":
            return
        again = await self.served.ask(call, etags)
        if _heard(again) != _heard(first):
            self._fault(call, f"repeated it answers {again}, and first {first}")
        self._look_at_tables(call, world, await self._read())

    async def _etags(self, call: Call) -> Mapping[tuple[Any, ...], str]:
        """Return etags for the items that send one: the row's, or another version's."""
        etags: dict[tuple[Any, ...], str] = {}
        for item in call.items:
            row = self.world[call.table.name].get(item.key)
            if item.etag:
                version = row["version"] if row and item.etag == "right" else 99
                etags[item.key] = await self._etag(call.table, version)
        return etags

    async def _etag(self, table: Table, version: int) -> str:
        """Return the etag of a version: a row of it is made, read, and gone."""
        if (table.name, version) not in self.served.etags:
            row = worlds.drawn_row(table, self.chance) | {"version": version}
            row |= (
                {"tenant": "acme", "estate": None, "after": None}
                if table.name == "Lease"
                else {"tenant": "acme"}
            )
            world: World = {**{name: {} for name in self.world}, table.name: {table.key_of(row): row}}
            await worlds.write(self.served.sql, self.served.schema, world)
            admin = next(one for one in all_callers() if visible(table, row, one))
            client = self.served.client(admin)
            got = await client.call(table.method("Get"), id=row["id"])
            self.served.etags[table.name, version] = got.etag
            await worlds.write(self.served.sql, self.served.schema, self.world)
        return self.served.etags[table.name, version]

    async def _read(self) -> World:
        return await worlds.read(self.served.sql, self.served.schema)

    async def _compare(self, call: Call, answer: Answer, due: Expected) -> World:
        """Compare an answer, and what the tables hold, with what is due; return what they hold."""
        self._look(call, answer, due)
        after = await self._read()
        held = due.world if answer.outcome == OK and due.world is not None else self.world
        self._look_at_tables(call, held, after)
        return after

    def _look(self, call: Call, answer: Answer, due: Expected) -> None:
        self.tally.count(call, answer.outcome)
        if answer.outcome not in due.answers:
            self._fault(call, f"answers {answer}, where {sorted(due.answers)} is due")
        elif answer.outcome == OK:
            plain = call.kind in ("Aggregate", *QUERIES)
            rows = due.rows if plain else [_as_read(self.world, call, row) for row in due.rows]
            told = (
                [row for row in answer.rows if any(row.values())]
                if call.kind.endswith("Delete")
                else answer.rows
            )
            if not _same(told, rows, ordered=due.ordered):
                self._fault(call, f"answers {answer.rows}\n  where due are {rows}")
            if call.order_by and not call.mask and not self._is_in_order(call, told):
                self._fault(call, f"answers {told}\n  not in the order that is asked for")
            if due.missing != answer.missing:
                self._fault(call, f"tells {answer.missing} as missing, where {due.missing} are")
            self._look_at_bulk(call, answer, due)
            if answer.count is not None and answer.count != due.count:
                self._fault(call, f"counts {answer.count} of {due.count}")

    def _is_in_order(self, call: Call, rows: Sequence[Row]) -> bool:
        return is_in_order(self.world, call.table, call.order_by, rows, call.caller)

    def _look_at_bulk(self, call: Call, answer: Answer, due: Expected) -> None:
        pairs = zip(answer.outcomes, due.outcomes, strict=False)
        if len(answer.outcomes) != len(due.outcomes) or any(told not in one for told, one in pairs):
            self._fault(call, f"tells {answer.outcomes}, where {due.outcomes} are due")
        wrong = [place for place, told in answer.failures.items() if told not in due.failures.get(place, ())]
        if wrong:
            self._fault(call, f"tells {answer.failures}, where {due.failures} are due")

    def _look_at_tables(self, call: Call | None, due: World, after: World) -> None:
        if call and due != after:
            for name in due:
                for key in sorted({*due[name], *after[name]}, key=str):
                    if due[name].get(key) != after[name].get(key):
                        self._fault(
                            call, f"{name} {key} holds {after[name].get(key)}\n  not {due[name].get(key)}"
                        )

    def _fault(self, call: Call, text: str) -> None:
        asked = {name: value for name, value in call.request({}).items() if name != "requestId"}
        rows = {key: self.world[call.table.name].get(key) for key in (item.key for item in call.items)}
        items = [(item.etag, item.allow_missing) for item in call.items]
        self.faults.append(
            f"case {self.number} ({self.served.schema}): {call.caller.told}\n"
            f"  calls {call.method} {asked} {items}\n  on {rows}\n  {text}"
        )


def _drawn(schema: str, world: World, chance: Random) -> Call:
    return with_held_rows(drawn_call(schema, world, chance), world, chance)


def _sent_keys(table: Table, items: Sequence[Item]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Yield the keys of rows that are sent, with their tables' names."""
    for item in items:
        yield table.name, item.key
        for name, held in item.held.items():
            yield from _sent_keys(target_of(table, name), held)


def _keep_apart(call: Call, number: int) -> None:
    """Let calls that run together not meet but at their rows."""
    call.force, call.related = False, {}
    for place, item in enumerate(call.items):
        for name in {key[-1] for key in call.table.unique}:
            if name in item.values:
                item.values[name] = f"together {number} {place}"
            elif call.kind == "Update":
                item.allow_missing = False  # two new rows would want the same
        for name in call.table.refers:
            if name in item.values:
                item.values[name] = None
        item.values = item.values or {}


def _heard(answer: Answer, *, in_whole: bool = True) -> tuple[Any, ...]:
    """Return all that a caller hears of an answer, but tokens, which never are the same."""
    told = (answer.outcomes, answer.failures, answer.measures, answer.told if in_whole else ())
    return answer.outcome, answer.rows, answer.missing, answer.count, bool(answer.token), *told


def _as_read(world: World, call: Call, row: Row) -> Row:
    told = cut(call.table, shown(call.table, row, call.caller), call.mask)
    if call.kind not in READS:
        return told  # with what it holds, as it was written
    return with_related(world, call.table, row, told, call.related, call.caller)


def _same(told: list[Row], due: list[Row], *, ordered: bool) -> bool:
    return told == due if ordered else sorted(map(repr, told)) == sorted(map(repr, due))
