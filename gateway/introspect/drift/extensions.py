"""Extensions that a schema needs: what helps where one is missing, and what an old one lacks."""

import re
from collections.abc import Iterable

from gateway.introspect.drift.differences import Difference, Kind
from gateway.introspect.tables.distribution import CITUS

VERSIONS = "SELECT extname::text AS name, extversion::text AS version FROM pg_catalog.pg_extension"

_SOURCES = {
    "pg_trgm": "it is one of PostgreSQL's contrib modules; likeness with `index: NONE` does without it",
    "vector": "it is pgvector, which the embedded PostgreSQL has, and Debian as postgresql-NN-pgvector",
    "citext": "it is one of PostgreSQL's contrib modules",
    "hstore": "it is one of PostgreSQL's contrib modules",
    "ltree": "it is one of PostgreSQL's contrib modules",
}
OF_CITUS = (
    "tables are to be distributed, and this database is none of Citus': each node has to have it "
    "(`CREATE EXTENSION citus`), and this one the others (`SELECT citus_add_node(…)`)"
)
_ITERATIVE = (0, 8)
"""The version of pgvector from which an index is scanned on where a filter leaves too few rows."""


def help_for(differences: Iterable[Difference]) -> str:
    """Return what helps where extensions are missing, a line each; empty where none is."""
    return "".join(f"\n{_help(one.name)}" for one in differences if one.kind is Kind.EXTENSION)


def _help(extension: str) -> str:
    if extension == CITUS:
        return f"extension {CITUS}: {OF_CITUS}"
    source = _SOURCES.get(extension)
    made = f"`CREATE EXTENSION {extension}`, by a role that may, makes it where PostgreSQL's packages hold it"
    return f"extension {extension}: {made}" + (f"; {source}" if source else "")


def scans_on(version: str | None) -> bool:
    """Return whether pgvector of a version scans an index on, as far as it takes (`hnsw.iterative_scan`)."""
    return version is not None and tuple(map(int, re.findall(r"\d+", version)[:2])) >= _ITERATIVE
