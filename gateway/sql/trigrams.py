"""Trigrams without an extension: what pg_trgm's `similarity` computes, as an expression.

A word is a run of letters and digits, in lower case, with two blanks before it and one behind; its trigrams
are all groups of three characters. Two texts are as alike as the share of their trigrams, each counted once,
that both have.
https://www.postgresql.org/docs/current/pgtrgm.html
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, case, cast, column, func, literal_column, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

from gateway.sql.unnest import unnest

Value = ColumnElement[Any]
_TEXT = postgresql.TEXT()
_BETWEEN: Value = literal_column("'[^[:alnum:]]+'")
"""What stands between words, as a regular expression."""
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
    """Return how many of the wanted trigrams are in a text: words stand apart by three blanks, in none."""
    apart = func.pg_catalog.regexp_replace(
        _lower(text), _BETWEEN, literal_column("'   '"), literal_column("'g'")
    )
    padded = literal_column("'  '").concat(apart).concat(literal_column("' '"))
    one = unnest(wanted).table_valued(column("trigram", _TEXT), name="wanted").render_derived()
    is_held = func.pg_catalog.strpos(padded, one.c.trigram) > 0
    return select(func.count()).select_from(one).where(is_held).scalar_subquery()


def _lower(text: Value) -> Value:
    lower: Value = func.pg_catalog.lower(cast(text, _TEXT))
    return lower


def _trigrams(text: Value) -> Select[Any]:
    word = (
        func.pg_catalog.regexp_split_to_table(
            func.pg_catalog.lower(cast(text, _TEXT)), literal_column("'[^[:alnum:]]+'")
        )
        .table_valued(column("word", _TEXT), name="words")
        .render_derived()
    )
    padded = literal_column("'  '").concat(word.c.word).concat(literal_column("' '"))
    start = (
        func.pg_catalog.generate_series(1, func.pg_catalog.length(word.c.word) + 1)
        .table_valued(column("at"), name="starts")
        .render_derived()
    )
    trigram = func.pg_catalog.substr(padded, start.c.at, 3, type_=_TEXT)
    return (
        select(trigram.label("trigram"))
        .distinct()
        .select_from(word)
        .join(start, literal_column("true"))
        .where(word.c.word != literal_column("''"))
    )
