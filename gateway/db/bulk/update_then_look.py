"""The writing of staged rows into shards: what is stored is updated, and what is then left is looked at."""

from gateway.db.bulk.insert_then_update import TwoSteps


class UpdateThenLook(TwoSteps):
    """Does what TwoSteps does where Citus keeps the rows, of which it locks none before they are written.

    A row that another transaction writes between two of the statements is met again in the next pass. One
    that was found as it was sent may have been changed since.
    """

    async def _pass(self) -> None:
        updated = {index for (index,) in await self._fetch(self._statements.update, self._arguments())}
        self._updated += updated
        self._left -= updated
        if not self._left:
            return
        looked = await self._fetch(self._statements.find, self._arguments())
        found = {index: bool(differs) for index, differs in looked}
        waiting = {index for index, differs in found.items() if differs}
        self._left -= found.keys()
        if self._left:
            self._name(await self._insert())
        self._left |= waiting
