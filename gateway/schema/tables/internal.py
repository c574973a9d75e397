"""Tables of the gateway's own. They live in a PostgreSQL schema of their own, away from the author's."""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

INTERNAL_SCHEMA = "rowgate"
"""The PostgreSQL schema that holds them."""

OWN_COLUMNS = "rowgate "
"""How the names begin of what temporary tables hold beside an author's columns."""

INTERNAL = MetaData(schema=INTERNAL_SCHEMA)
"""All of them. Whoever creates the author's tables creates these too."""

IDEMPOTENCY = Table(
    "idempotency",
    INTERNAL,
    Column("principal", Text, primary_key=True),
    Column("method", Text, primary_key=True),
    Column("request_id", Uuid, primary_key=True),
    Column("body_hash", LargeBinary, nullable=False),
    Column("response", LargeBinary, nullable=False, server_default=text("''")),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("left_out", BigInteger, nullable=False, server_default=text("0")),
    Index("idempotency_created_at_idx", "created_at"),
    comment="Answers of writes that carried a request_id (AIP-155), kept for a while.",
)
"""One row per request_id that was honoured, inserted in the transaction of the write itself.

`left_out` is the size of an answer that was too large to be kept.
"""

INGEST = Table(
    "ingest",
    INTERNAL,
    Column("principal", Text, primary_key=True),
    Column("method", Text, primary_key=True),
    Column("stream_id", Text, primary_key=True),
    Column("options_hash", LargeBinary, nullable=False),
    Column("owner", Uuid, nullable=False),
    Column("watermark", BigInteger, nullable=False, server_default=text("0")),
    Column("answer", LargeBinary, nullable=False, server_default=text("''")),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("secret_hash", LargeBinary, nullable=False, server_default=text("''")),
    Index("ingest_updated_at_idx", "updated_at"),
    comment="How far each Ingest stream has come, kept for a while after its last chunk.",
)
"""One row per stream, moved on in the transaction of each chunk's rows.

`secret_hash` is a digest of the secret of whoever opened it; empty where there was none.
"""

AUDIT = Table(
    "audit",
    INTERNAL,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("changed_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("table_name", Text, nullable=False),
    Column("key", JSONB, nullable=False),
    Column("action", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("principal_kind", Text, nullable=False),
    Column("principal_id", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("idempotency_key", Uuid),
    Column("trace_id", Text),
    comment="Who changed which row, of tables that say (rowgate.v1.table).audit.",
)
"""One row per changed row of tables that ask for it, written in the transaction of the change.

Only where some do is it made. `request_id` is the call's x-request-id, `idempotency_key` the request_id of
its message (AIP-155).
"""


def own_tables(*, audited: bool) -> tuple[Table, ...]:
    """Return the gateway's own tables.

    Args:
        audited: whether changes of a table are to be kept as rows.

    """
    return tuple(table for table in INTERNAL.tables.values() if audited or table is not AUDIT)
