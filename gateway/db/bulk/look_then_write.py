"""The writing of staged rows into shards: what is stored is looked at, and the rest written."""

from gateway.db.bulk.insert_then_update import TwoSteps


class LookThenWrite(TwoSteps):
    """Does what TwoSteps does where Citus keeps the rows, of which it locks none before they are written.

    So a row that another transaction writes between the look and the statement that was to write it is looked
    at again, in the next pass. One that was found as it was sent may have been changed since.
    """

    async def _pass(self) -> None:
        looked = await self._fetch(self._statements.find, self._arguments())
        found = {row[0]: bool(row[1]) for row in looked}
        different = {index for index, differs in found.items() if differs}
        self._left -= found.keys() - different
        new = self._left - different
        if new:
            self._left = new
            nameless = await self._insert()
            self._name(nameless)
            self._left |= different
        if different:
            await self._update_found(different)

    async def _update_found(self, different: set[int]) -> None:
        waiting, self._left = self._left - different, different
        updated = {index for (index,) in await self._fetch(self._statements.update, self._arguments())}
        self._updated += updated
        self._left = waiting | (different - updated)
