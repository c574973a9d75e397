"""Reads, compared with the model, and with what SQL selects."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from tests.generated_schemas.filters import Tree, condition, spelled
from tests.generated_schemas.model import Stored, Values, shown_value
from tests.generated_schemas.schemas import Column
from tests.generated_schemas.table import Table, Told


async def get(table: Table, key: Values, mask: Sequence[str] | None = None) -> None:
    """Read one row by its key, all of it or what a mask names."""
    row = table.model.rows.get(table.model.key(key))
    request = table.with_key(table.request("Get"), key)
    if "read_mask" in table.schema.key:
        mask = None  # the request's field of that name is the key's
    if mask:
        request.read_mask.paths.extend(mask)
    answer = await table.ask("Get", request)
    if answer.failure:
        assert (row, answer.reason) == (None, "ROW_NOT_FOUND"), (key, row, answer)
        return
    assert row is not None, (key, answer)
    if list(mask or ["*"]) == ["*"]:
        assert table.told(answer.message) == table.expected(row), (answer, row)
        return
    assert {field.name for field, _ in answer.message.ListFields()} <= set(mask or ())
    whole = table.model.shown(row.values)
    found = {name: shown_value(table.schema.by_name[name], answer.message) for name in mask or ()}
    assert found == {name: whole[name] for name in found}, (answer, row, mask)


async def batch_get(table: Table, keys: Sequence[Values]) -> None:
    """Read several rows by their keys."""
    request = table.request("BatchGet")
    for key in keys:
        table.with_key(request.keys.add(), key)
    answer = (await table.ask("BatchGet", request)).message
    found = [table.model.rows.get(table.model.key(key)) for key in keys]
    assert [table.told(row) for row in answer.rows] == [table.expected(row) for row in found if row]
    missing = {table.model.key(key) for key, row in zip(keys, found, strict=True) if not row}
    assert {_key_of(table, key) for key in answer.missing} == missing


def _key_of(table: Table, message: Any) -> Any:
    return table.model.key({name: getattr(message, name) for name in table.schema.key})


async def select(table: Table, tree: Tree | None, order: str, page_size: int, show_deleted: bool) -> None:  # noqa: FBT001 - as drawn
    """Read rows by filter and order, in pages and as a stream, and count them."""
    expected = await _selected(table, tree, order, show_deleted=show_deleted)
    question = await _counted(table, tree, expected, show_deleted=show_deleted)
    question["order_by"] = order
    found = [table.told(row) for row in await _pages(table, question, page_size, len(expected))]
    assert found == expected, (question, found, expected)
    streamed = [table.told(row) async for row in _streamed(table, question)]
    assert streamed == expected, (question, streamed, expected)


async def count(table: Table, tree: Tree) -> None:
    """Count the rows that a filter finds."""
    expected = await _selected(table, tree, "", show_deleted=True)
    await _counted(table, tree, expected, show_deleted=True)


async def _counted(
    table: Table, tree: Tree | None, expected: Sequence[Told], *, show_deleted: bool
) -> dict[str, Any]:
    """Compare how many rows there are; return what was asked."""
    question: dict[str, Any] = {"filter": spelled(table, tree) if tree else ""}
    if "soft_delete" in table.schema.roles:
        question["show_deleted"] = show_deleted
    answer = await table.ask("Count", _asking(table, "Count", question))
    assert not answer.failure, (question, answer)
    assert answer.message.count == len(expected), (question, answer, expected, table.model.rows)
    return question


def _asking(table: Table, verb: str, question: Mapping[str, Any]) -> Any:
    request = table.request(verb)
    for name, value in question.items():
        setattr(request, name, value)
    return request


async def _pages(table: Table, question: Mapping[str, Any], page_size: int, total: int) -> list[Any]:
    found: list[Any] = []
    token = ""
    for _ in range(total + 1):
        asked = _asking(table, "List", {**question, "page_size": page_size, "page_token": token})
        page = await table.ask("List", asked)
        assert not page.failure, (question, page)
        assert page.message.total_size == total, question
        found += page.message.rows
        token = page.message.next_page_token
        if not token:
            return found
    raise AssertionError("the pages never end")


async def _streamed(table: Table, question: Mapping[str, Any]) -> AsyncIterator[Any]:
    async for chunk in table.client.stream(table.method("Stream"), question):
        for row in chunk.rows:
            yield row


async def _selected(table: Table, tree: Tree | None, order: str, *, show_deleted: bool) -> list[Told]:
    """Return the rows that SQL selects, as the model tells them."""
    known = list(table.model.rows.values())
    if not known:
        return []
    where = [condition(table, tree)] if tree else []
    if "soft_delete" in table.schema.roles and not show_deleted:
        where.append(f't."{table.schema.roles["soft_delete"]}" IS NULL')
    text = (
        f"SELECT known.i FROM {table.relation} AS t JOIN {table.join(known)} "  # noqa: S608 - the test's own
        f"WHERE {' AND '.join(where) or 'true'} ORDER BY {_order(table, order)}"
    )
    return [table.expected(known[row["i"]]) for row in await table.sql.fetch(text)]


def _order(table: Table, order: str) -> str:
    terms = [term.split() for term in order.split(", ") if term]
    down = ["desc"] if terms and terms[-1][-1] == "desc" else []
    named = {term[0] for term in terms}
    terms += [[name, *down] for name in table.schema.key if name not in named]
    return ", ".join(" ".join([table.column(name), *rest]) for name, *rest in terms)


async def compare(table: Table) -> None:
    """Compare the whole table with the model, by List, and by SQL column for column."""
    await select(table, None, "", 1000, show_deleted=True)
    known = list(table.model.rows.values())
    if known:
        differing = await table.sql.fetch(_differing(table, known))
        assert not differing, differing


def _differing(table: Table, known: list[Stored]) -> str:
    """Return what selects the rows with columns that aren't stored as plain SQL would store them."""
    columns = [column for column in table.schema.columns if column.of.sql is not None]
    lines = [
        f"({i}, {', '.join(f'({_spelled(table, column, row)})::text' for column in columns)})"
        for i, row in enumerate(known)
    ]
    names = ", ".join(f"w{i}" for i in range(len(columns)))
    stored = [f"{table.column(column.name)}::text" for column in columns]
    found = ", ".join(f"{text} AS v{i}" for i, text in enumerate(stored))
    differs = " OR ".join(f"{text} IS DISTINCT FROM w{i}" for i, text in enumerate(stored))
    return (
        f"SELECT wanted.*, {found} FROM {table.relation} AS t JOIN {table.join(known)} "  # noqa: S608 - as above
        f"JOIN (VALUES {', '.join(lines)}) AS wanted (j, {names}) ON j = known.i WHERE {differs}"
    )


def _spelled(table: Table, column: Column, row: Stored) -> str:
    return table.schema.sql_value(column, row.values[column.name])
