"""How calls share statements, by the connections that there are for them."""

from gateway.config.settings import CoalesceSettings, Settings
from gateway.request.calls.bulkheads import share_of


def sharing_of(settings: Settings) -> CoalesceSettings:
    """Return the settings of shared statements.

    More of one kind at once would wait for connections that they can't have.
    """
    most = min(settings.coalesce.max_concurrent_batches, share_of(settings.database.pool_size))
    return settings.coalesce.model_copy(update={"max_concurrent_batches": most})
