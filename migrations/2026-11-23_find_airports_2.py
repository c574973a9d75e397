"""Find airports (2 of 2).

Made on 2026-11-23 by `rowgate migrate revision`. Read it, change it where needed, and commit it.
"""

from gateway.migrate.statements import build_index

revision = "c87cc48e172e"
down_revision = "1dbc741218f1"

# What is lost with it; `rowgate migrate` refuses to run it without --allow-destructive unless this is empty.
destroys: tuple[str, ...] = ()


def upgrade() -> None:
    """Bring the database from the revision before to this one."""
    # index airport_search_words_idx of public.airport is missing
    build_index(
        "public",
        "airport",
        "airport_search_words_idx",
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS airport_search_words_idx ON public.airport USING gin (search_words)",
    )
