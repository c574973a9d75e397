"""What calls share: statements, by the connections that there are for them, and rows that are kept."""

from gateway.config.settings import CoalesceSettings, Settings
from gateway.request.calls.bulkheads import share_of
from gateway.schema.model import Schema


def sharing_of(settings: Settings) -> CoalesceSettings:
    """Return the settings of shared statements.

    More of one kind at once would wait for connections that they can't have.
    """
    most = min(settings.coalesce.max_concurrent_batches, share_of(settings.database.pool_size))
    return settings.coalesce.model_copy(update={"max_concurrent_batches": most})


def keeps_rows(schema: Schema, settings: Settings) -> bool:
    """Return whether rows of a table are kept."""
    return bool(settings.cache.max_bytes) and any(one.cache_seconds for one in schema.resources.values())
