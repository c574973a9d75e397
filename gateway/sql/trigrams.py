"""Trigrams without an extension: what pg_trgm's `similarity` computes, as an expression.

A word is a run of letters and digits, in lower case, with two blanks before it and one behind; its trigrams
are all groups of three characters. Two texts are as alike as the share of their trigrams, each counted once,
that both have.
https://www.postgresql.org/docs/current/pgtrgm.html
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, case, cast, column, func, literal_column, null, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

from gateway.sql.unnest import unnest

Value = ColumnElement[Any]
_TEXT = postgresql.TEXT()
_BETWEEN: Value = literal_column("'[^[:alnum:]]+'")
"""What stands between words, as a regular expression."""
_APART: Value = literal_column("'   '")
_EVERYWHERE: Value = literal_column("'g'")
_ROUNDED = "0.001"
"""More than thresholds are rounded by."""
_REAL: TypeEngine[float] = postgresql.REAL()


def trigrams_of(text: Value) -> Value:
    """Return a text's trigrams, as an array."""
    found = _trigrams(text).subquery()
    return func.coalesce(
        select(func.pg_catalog.array_agg(found.c.trigram)).scalar_subquery(), literal_column("'{}'::text[]")
    )


def similarity(text: Value, wanted: Value, threshold: Value) -> Value:
    """Return how alike a text is to one whose trigrams are given: from 0 to 1; NULL far below the threshold.

    All trigrams of a text are counted where enough of the wanted ones are in it alone, which takes a tenth
    of the time to see.
    """
    found = _trigrams(text).subquery()
    both = func.count().filter(found.c.trigram == func.any(wanted))
    either = func.count() + func.pg_catalog.cardinality(wanted) - both
    share = cast(both, _REAL) / cast(func.nullif(either, 0), _REAL)
    exact = select(share).select_from(found).scalar_subquery()
    enough = threshold * func.pg_catalog.cardinality(wanted) - literal_column(_ROUNDED)
    return cast(case((_held(text, wanted) >= enough, exact)), _REAL)


def _held(text: Value, wanted: Value) -> Value:
    """Return how many of the wanted trigrams are in a text."""
    one = unnest(wanted).table_valued(column("trigram", _TEXT), name="wanted").render_derived()
    is_held = func.pg_catalog.strpos(_padded(text), one.c.trigram) > 0
    return select(func.count()).select_from(one).where(is_held).scalar_subquery()


def _trigrams(text: Value) -> Select[Any]:
    """Return the query of a text's trigrams, each once.

    Characters come from an array, of which PostgreSQL expects ten: of a series it would expect a thousand,
    and compile what it takes for a long query.
    """
    characters = func.pg_catalog.string_to_array(_padded(text), null())
    one = (
        unnest(characters)
        .table_valued(column("letter", _TEXT), with_ordinality="at", name="letters")
        .render_derived()
    )
    second, third = (func.lead(one.c.letter, i, type_=_TEXT).over(order_by=one.c.at) for i in (1, 2))
    every = select(one.c.letter.concat(second).concat(third).label("trigram")).subquery()
    # NULL behind the last one; two blanks at the end are between words.
    within = func.pg_catalog.right(every.c.trigram, 2) != literal_column("'  '")
    return select(every.c.trigram).distinct().where(within)


def _padded(text: Value) -> Value:
    """Return a text's words in lower case, with two blanks before each and one behind."""
    lower = func.pg_catalog.lower(cast(text, _TEXT))
    apart = func.pg_catalog.regexp_replace(lower, _BETWEEN, _APART, _EVERYWHERE)
    return literal_column("'  '").concat(apart).concat(literal_column("' '"))
