"""Bound kept answers, and find expired streams by an index.

Made on 2026-11-21 by `rowgate migrate revision`. Read it, change it where needed, and commit it.
"""

from gateway.migrate.statements import execute

revision = "7b43af44f4cb"
down_revision = "bfa9689c4901"

# What is lost with it; `rowgate migrate` refuses to run it without --allow-destructive unless this is empty.
destroys: tuple[str, ...] = ()


def upgrade() -> None:
    """Bring the database from the revision before to this one."""
    execute("ALTER TABLE rowgate.idempotency ADD COLUMN left_out bigint DEFAULT 0 NOT NULL")
    execute("ALTER TABLE rowgate.ingest ADD COLUMN secret_hash bytea DEFAULT '\\x'::bytea NOT NULL")
    execute("CREATE INDEX ingest_updated_at_idx ON rowgate.ingest USING btree (updated_at)")
