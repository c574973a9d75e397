"""Find airports (1 of 2).

Made on 2026-11-23 by `rowgate migrate revision`. Read it, change it where needed, and commit it.
"""

from gateway.migrate.statements import execute

revision = "1dbc741218f1"
down_revision = "c6717ef47a50"

# What is lost with it; `rowgate migrate` refuses to run it without --allow-destructive unless this is empty.
destroys: tuple[str, ...] = ()

# The numbers of the fields that columns are made from: by them a field is known that gets another name.
fields = {
    ("public", "airport", "position"): 11,
}


def upgrade() -> None:
    """Bring the database from the revision before to this one."""
    # extension vector is missing
    execute("CREATE EXTENSION IF NOT EXISTS vector")
    # column public.airport.position is missing
    execute(
        """
        ALTER TABLE public.airport ADD COLUMN position public.vector(3) GENERATED ALWAYS AS ((ARRAY[(cos(radians(latitude)) * cos(radians(longitude))), (cos(radians(latitude)) * sin(radians(longitude))), sin(radians(latitude))])::public.vector(3)) STORED NOT NULL
        """
    )
    # column public.airport.search_words is missing
    execute(
        """
        ALTER TABLE public.airport ADD COLUMN search_words tsvector GENERATED ALWAYS AS (setweight(to_tsvector('english'::regconfig, COALESCE(name, ''::text)), 'A'::"char")) STORED
        """
    )
    # column public.airport.position has another comment
    execute(
        "COMMENT ON COLUMN public.airport.position IS 'Where it lies on a sphere of radius 1, from its middle: towards the point on the equator at Greenwich, towards the one\n90 degrees east of it, and towards the north pole.'"
    )
