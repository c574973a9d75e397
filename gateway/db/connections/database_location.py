"""The database that the settings name."""

from pathlib import Path

from gateway.config import settings as config
from gateway.db.connections.dsn import names_a_server
from gateway.db.database_settings import DatabaseSettings

_OF_OTHERS = {
    *("dsn", "read_dsn", "replica_wait", "data_dir", "audit_retention", "ingest_retention"),
    *("gateways", "migrate_lock_timeout"),
    *("request_id_retention", "request_id_max_bytes", "request_id_answer_bytes"),
}
"""Settings that are not of the database layer's own."""


def embedded_folder(settings: config.DatabaseSettings) -> Path | None:
    """Return the folder of the embedded PostgreSQL; None where a server is named."""
    return None if names_a_server(dsn_of(settings)) else settings.data_dir / "postgres"


def database_settings(settings: config.DatabaseSettings, dsn: str | None = None) -> DatabaseSettings:
    """Return the settings as the database layer has them, with another DSN where one is given."""
    same = settings.model_dump(exclude=_OF_OTHERS)
    return DatabaseSettings(dsn=dsn_of(settings) if dsn is None else dsn, **same)


def dsn_of(settings: config.DatabaseSettings) -> str:
    """Return the DSN; empty where none is set."""
    return settings.dsn.get_secret_value() if settings.dsn else ""
