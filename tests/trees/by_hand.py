"""Orders and all that they hold, stored and changed by hand: by INSERT, UPDATE and DELETE, row by row."""

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg

_LINE = {"sku": "", "quantity": 0, "price_cents": None, "locked": False, "hidden": False, "serial": None}
STORED = {
    "order": 'SELECT code, customer_name, version FROM "Order" ORDER BY code',
    "line": """
        SELECT o.code, l.position, l.sku, l.quantity, l.price_cents, l.locked, l.hidden, l.serial, l.version
        FROM line l JOIN "Order" o ON o.id = l.order_id ORDER BY 1, 2""",
    "mark": """
        SELECT o.code, m.line, m.label, m.weight FROM mark m JOIN "Order" o ON o.id = m.order_id
        ORDER BY 1, 2, 3""",
    "note": """
        SELECT o.code, n.words, n.tags, CASE WHEN n.id::text LIKE '00000000%' THEN n.id::text END AS id
        FROM note n JOIN "Order" o ON o.id = n.order_id WHERE n.deleted_at IS NULL ORDER BY 1, 2, 3, 4""",
    "parcel": """
        SELECT o.code, p.code AS parcel, p.grams FROM parcel p JOIN "Order" o ON o.id = p.order_id
        ORDER BY 1""",
    "event": "SELECT order_code, what FROM event ORDER BY 1, 2",
}
"""What is compared: all but what the database numbers."""


class ByHand:
    """The same tables, changed by hand.

    Args:
        connection: to a database of their own.

    """

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._sql = connection

    async def stored(self) -> Mapping[str, Any]:
        """Return all that is stored."""
        return {name: [dict(row) for row in await self._sql.fetch(query)] for name, query in STORED.items()}

    async def create(self, order: Mapping[str, Any]) -> None:
        """Store an order with all that it holds."""
        insert = 'INSERT INTO "Order" (code, customer_name, version, updated_at) VALUES ($1, $2, 1, now())'
        await self._sql.execute(insert, order["code"], order.get("customer_name", ""))
        key = await self._id(order)
        for line in order.get("lines", ()):
            await self._add_line(key, line)
        for note in order.get("notes", ()):
            await self._put_note(key, note)
        if "parcel" in order:
            await self._put_parcel(key, order["parcel"])
        insert = "INSERT INTO event (order_code, what) VALUES ($1, $2)"
        for event in order.get("events", ()):
            await self._sql.execute(insert, order["code"], event["what"])

    async def update(self, order: Mapping[str, Any], paths: Sequence[str]) -> None:
        """Change what a mask names of an order; without paths what is set, and nothing that it holds."""
        key, name = await self._id(order), order.get("customer_name", "")
        if "*" in paths or "customer_name" in paths or (name and not paths):
            await self._sql.execute('UPDATE "Order" SET customer_name = $2 WHERE id = $1', key, name)
        await self._sql.execute('UPDATE "Order" SET version = version + 1 WHERE id = $1', key)
        below = {path.removeprefix("lines").removeprefix(".*.") for path in paths if path.startswith("lines")}
        if below:
            await self._replace_lines(key, order.get("lines", ()), below)
        for note in order.get("notes", ()) if "notes" in paths else ():
            await self._put_note(key, note)
        if "parcel" in paths:
            parcel = order.get("parcel")
            gone = "DELETE FROM parcel WHERE order_id = $1 AND code IS DISTINCT FROM $2"
            await self._sql.execute(gone, key, parcel["code"] if parcel else None)
            if parcel:
                await self._put_parcel(key, parcel)

    async def _id(self, order: Mapping[str, Any]) -> int:
        found: int = await self._sql.fetchval('SELECT id FROM "Order" WHERE code = $1', order["code"])
        return found

    async def _replace_lines(self, key: int, lines: Sequence[Mapping[str, Any]], below: set[str]) -> None:
        gone = "DELETE FROM line WHERE order_id = $1 AND position <> ALL($2::int[])"
        await self._sql.execute(gone, key, [line["position"] for line in lines])
        change = """
            UPDATE line SET sku = $3, quantity = $4, price_cents = $5, locked = $6, hidden = $7, serial = $8,
                version = version + 1 WHERE order_id = $1 AND position = $2"""
        for line in lines:
            there = "SELECT * FROM line WHERE order_id = $1 AND position = $2"
            stored = await self._sql.fetchrow(there, key, line["position"])
            if stored is None:
                await self._add_line(key, line)
                continue
            named = {*_LINE} if "" in below else below
            values = [
                line.get(name, unset) if name in named else stored[name] for name, unset in _LINE.items()
            ]
            await self._sql.execute(change, key, line["position"], *values)
            if "marks" in below:
                gone = "DELETE FROM mark WHERE order_id = $1 AND line = $2"
                await self._sql.execute(gone, key, line["position"])
                await self._add_marks(key, line)

    async def _add_line(self, key: int, line: Mapping[str, Any]) -> None:
        insert = """
            INSERT INTO line (order_id, position, version, sku, quantity, price_cents, locked, hidden, serial)
            VALUES ($1, $2, 1, $3, $4, $5, $6, $7, $8)"""
        values = [line.get(name, unset) for name, unset in _LINE.items()]
        await self._sql.execute(insert, key, line["position"], *values)
        await self._add_marks(key, line)

    async def _add_marks(self, key: int, line: Mapping[str, Any]) -> None:
        insert = "INSERT INTO mark (order_id, line, label, weight) VALUES ($1, $2, $3, $4)"
        for mark in line.get("marks", ()):
            await self._sql.execute(insert, key, line["position"], mark["label"], mark.get("weight", 0))

    async def _put_note(self, key: int, note: Mapping[str, Any]) -> None:
        put = """
            INSERT INTO note (id, order_id, words, tags, author)
            VALUES (coalesce($2, gen_random_uuid()), $1, $3, $4, '')
            ON CONFLICT (id) DO UPDATE SET words = excluded.words, tags = excluded.tags"""
        await self._sql.execute(put, key, note.get("id"), note.get("words", ""), note.get("tags", []))

    async def _put_parcel(self, key: int, parcel: Mapping[str, Any]) -> None:
        put = """
            INSERT INTO parcel (code, order_id, grams) VALUES ($2, $1, $3)
            ON CONFLICT (code) DO UPDATE SET grams = excluded.grams"""
        await self._sql.execute(put, key, parcel["code"], parcel.get("grams", 0))
