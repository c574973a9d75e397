"""What an administrator does to a table before it is served, and what is refused since."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.generated_schemas.schemas import Column, Schema, name_of

_ROLE = "rowgate_made"

Statements = Callable[[Schema, str], Sequence[str]]
"""A schema and its table's name in SQL → what is run."""
Alike = Callable[[Sequence[str]], tuple[tuple[Any, ...], Sequence[tuple[Any, ...]]]]
"""Columns → what a row holds of them, and what each other row does, as PostgreSQL's `=` compares."""


@dataclass(frozen=True)
class Alteration:
    """What is done to a table.

    Args:
        fits: whether a table of the schema can be altered so.
        statements: what is run.
        broken: yields why a row can't be stored, besides the reasons of the schema's own.

    """

    fits: Callable[[Schema], bool]
    statements: Statements
    broken: Callable[[Schema, Alike], Iterator[str]] = lambda _schema, _alike: iter(())


def subject(schema: Schema) -> Column | None:
    """Return the column that an alteration is about, the first that fits; None where none does."""
    fit = (column for column in schema.columns if _is_free(schema, column))
    return next(fit, None)


def _is_free(schema: Schema, column: Column) -> bool:
    return column.of.key and not column.of.repeated and column.name not in schema.key


def _name(schema: Schema) -> str:
    column = subject(schema)
    assert column is not None
    return name_of(column.stored)


def _anything(_schema: Schema) -> bool:
    return True


def _has_subject(schema: Schema) -> bool:
    return subject(schema) is not None


def _may_be_partitioned(schema: Schema) -> bool:
    """Return whether its key can be hashed, and nothing else is to be unique."""
    return not schema.unique and all(column.of.hashable for column in schema.keys)


def _partitioned(schema: Schema, relation: str) -> Sequence[str]:
    """Put a partitioned table in the table's place, as like it as PostgreSQL makes one."""
    key = ", ".join(name_of(column.stored) for column in schema.keys)
    place = name_of(schema.place or "public")
    return [
        f'ALTER TABLE {relation} RENAME TO "made before"',
        f'CREATE TABLE {relation} (LIKE {place}."made before" INCLUDING ALL) PARTITION BY HASH ({key})',
        *(
            f"CREATE TABLE {place}.part_{i} PARTITION OF {relation} "
            f"FOR VALUES WITH (MODULUS 3, REMAINDER {i})"
            for i in range(3)
        ),
        f'DROP TABLE {place}."made before"',
    ]


def _secured(_schema: Schema, relation: str) -> Sequence[str]:
    return [
        f"ALTER TABLE {relation} ENABLE ROW LEVEL SECURITY",
        f"CREATE POLICY everybody ON {relation} USING (true) WITH CHECK (true)",
    ]


def _with_a_hole(_schema: Schema, relation: str) -> Sequence[str]:
    """Leave columns whose numbers aren't their places, and one of which the schema doesn't know."""
    return [
        f'ALTER TABLE {relation} ADD COLUMN "dropped again" integer',
        f"ALTER TABLE {relation} ADD COLUMN \"theirs\" text NOT NULL DEFAULT upper('theirs')",
        f'ALTER TABLE {relation} DROP COLUMN "dropped again"',
    ]


def _exclusive(schema: Schema, relation: str) -> Sequence[str]:
    return [f"ALTER TABLE {relation} ADD EXCLUDE USING btree ({_name(schema)} WITH =)"]


def _is_excluded(schema: Schema, alike: Alike) -> Iterator[str]:
    column = subject(schema)
    assert column is not None
    own, others = alike([column.name])
    if None not in own and own in others:
        yield "EXCLUSION_VIOLATION"


def _unique_with_nulls(schema: Schema, relation: str) -> Sequence[str]:
    return [f"CREATE UNIQUE INDEX ON {relation} ({_name(schema)}) NULLS NOT DISTINCT"]


def _is_taken(schema: Schema, alike: Alike) -> Iterator[str]:
    column = subject(schema)
    assert column is not None
    own, others = alike([column.name])
    if own in others:
        yield "UNIQUE_VIOLATION"


def _optional(schema: Schema) -> Column | None:
    """Return a column that may be NULL, the first there is."""
    return next((column for column in schema.written if column.has_presence and not column.not_null), None)


def _guarded(schema: Schema, relation: str) -> Sequence[str]:
    """Keep rows without a value out, as a trigger does that returns no row."""
    column = _optional(schema)
    assert column is not None
    guard = f"IF NEW.{name_of(column.stored)} IS NULL THEN RETURN NULL; END IF; RETURN NEW;"
    return [
        f"CREATE FUNCTION public.guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {guard} END $$",
        f"CREATE TRIGGER guard BEFORE INSERT OR UPDATE ON {relation} FOR EACH ROW EXECUTE FUNCTION guard()",
    ]


def _is_kept_out(schema: Schema, alike: Alike) -> Iterator[str]:
    column = _optional(schema)
    assert column is not None
    if None in alike([column.name])[0]:
        yield "ROW_KEPT_OUT"


ALTERATIONS: Mapping[str, Alteration] = {
    "partitioned": Alteration(_may_be_partitioned, _partitioned),
    "row level security": Alteration(_anything, _secured),
    "a hole": Alteration(_anything, _with_a_hole),
    "exclusion": Alteration(_has_subject, _exclusive, _is_excluded),
    "guarded": Alteration(lambda schema: _optional(schema) is not None, _guarded, _is_kept_out),
    "unique with nulls": Alteration(_has_subject, _unique_with_nulls, _is_taken),
}
"""All of them, by the name that a kept case calls them by."""


def altered(schema: Schema, relation: str) -> Iterator[str]:
    """Yield what an administrator runs before the gateway is started."""
    if schema.altered:
        yield from ALTERATIONS[schema.altered].statements(schema, relation)
    schemas = f"rowgate, {name_of(schema.place or 'public')}"
    yield f"""DO $$ BEGIN
        IF to_regrole('{_ROLE}') IS NULL THEN CREATE ROLE {_ROLE} LOGIN; END IF;
    END $$"""
    yield f"GRANT USAGE ON SCHEMA {schemas} TO {_ROLE}"
    yield f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schemas} TO {_ROLE}"


def as_role(dsn: str) -> str:
    """Return the DSN for the role that the gateway logs in by, which owns nothing and passes no policy by."""
    return dsn.replace("//postgres@", f"//{_ROLE}@")
