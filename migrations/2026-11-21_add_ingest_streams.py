"""Add ingest streams.

Made on 2026-11-21 by `rowgate migrate revision`. Read it, change it where needed, and commit it.
"""

from gateway.migrate.statements import execute

revision = "bfa9689c4901"
down_revision = "bc46f8ef1f72"

# What is lost with it; `rowgate migrate` refuses to run it without --allow-destructive unless this is empty.
destroys: tuple[str, ...] = ()


def upgrade() -> None:
    """Bring the database from the revision before to this one."""
    execute(
        """
        CREATE TABLE rowgate.ingest (
            principal text NOT NULL,
            method text NOT NULL,
            stream_id text NOT NULL,
            options_hash bytea NOT NULL,
            owner uuid NOT NULL,
            watermark bigint DEFAULT 0 NOT NULL,
            answer bytea DEFAULT '\\x'::bytea NOT NULL,
            updated_at timestamp with time zone DEFAULT now() NOT NULL,
            CONSTRAINT ingest_pkey PRIMARY KEY (principal, method, stream_id)
        )
        """
    )
    execute(
        """
        COMMENT ON TABLE rowgate.ingest IS 'How far each Ingest stream has come, kept for a while after its last chunk.'
        """
    )
