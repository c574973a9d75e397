"""The characters that a database's encoding has, where it isn't UTF8.

PostgreSQL refuses a whole statement for one text that it can't encode, before it looks at any row, and says
nothing of which. So texts are looked at before they are sent; of each new character PostgreSQL is asked.
"""

from collections.abc import Iterable, Sequence

from gateway.db.database import Transaction
from gateway.db.driver_errors import sqlstate_of
from gateway.errors import RowgateError
from gateway.schema.tables.internal import OWN_COLUMNS
from gateway.sql.bulk.shape import quote
from gateway.sql.statement import Statement

_TAKE_ALL = frozenset({"UTF8", "SQL_ASCII"})
_MOST = 50_000
"""Characters that are remembered: no encoding but Unicode's has more."""
_LACKS = f"pg_temp.{quote(f'{OWN_COLUMNS}lacks')}"


def _statement(text: str) -> Statement:
    return Statement(text, (), (), writes=False, name="look for characters", constants={})


# Only plpgsql goes on after what convert raises.
_CREATE = _statement(f"""
    CREATE OR REPLACE FUNCTION {_LACKS}(given bytea) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
    PERFORM pg_catalog.convert(given, 'UTF8', pg_catalog.getdatabaseencoding());
    RETURN false;
    EXCEPTION WHEN untranslatable_character OR character_not_in_repertoire THEN RETURN true;
    END $$""")
_ASK = _statement(
    "SELECT place::integer FROM pg_catalog.unnest($1::bytea[]) WITH ORDINALITY AS c(given, place) "  # noqa: S608 - a name of ours
    f"WHERE {_LACKS}(given)"
)
_DROP = _statement(f"DROP FUNCTION {_LACKS}(bytea)")


def takes_all(encoding: str) -> bool:
    """Return whether texts of a database with that encoding may have all characters."""
    return encoding in _TAKE_ALL


class Repertoire:
    """Remembers which characters one database has, and which it lacks."""

    def __init__(self) -> None:
        self._lacks: dict[str, bool] = {}

    async def lacking(self, transaction: Transaction, characters: Iterable[str]) -> frozenset[str]:
        """Return those of the characters that the database's encoding lacks."""
        asked = frozenset(characters)
        unknown = sorted(asked.difference(self._lacks))
        if unknown and len(self._lacks) + len(unknown) > _MOST:
            self._lacks.clear()
            unknown = sorted(asked)
        try:
            if unknown:
                self._lacks |= await _asked(transaction, unknown)
        except RowgateError as error:
            # Without plpgsql, or leave to use it, PostgreSQL refuses such a request whole.
            if not sqlstate_of(error).startswith("42"):
                raise
        return frozenset(character for character in asked if self._lacks.get(character))


async def _asked(transaction: Transaction, characters: Sequence[str]) -> dict[str, bool]:
    async with transaction.savepoint():
        await transaction.fetch(_CREATE, ())
        found = await transaction.fetch(_ASK, [[character.encode() for character in characters]])
        await transaction.fetch(_DROP, ())
    lacked = {place - 1 for (place,) in found}
    return {character: place in lacked for place, character in enumerate(characters)}
