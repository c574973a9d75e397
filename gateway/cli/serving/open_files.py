"""How many files the process may have open: each connection, of a client or to the database, is one."""

import logging
import resource

from gateway.config.per_worker import divided
from gateway.config.settings import Settings

_logger = logging.getLogger(__name__)
_OTHERS = 256


def allow_open_files(settings: Settings, workers: int) -> None:
    """Raise the soft limit of the process, and of its workers, to what one of them may need.

    1,024 is what most systems begin with. Past it clients are hung up on without a word in the log, and have
    the files that connections to the database need. A hard limit that is lower is warned of.
    """
    one = divided(settings, workers, 0)
    connections = one.limits.max_connections
    needed = connections + 2 * one.database.pool_size + _OTHERS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < connections:
        facts = {"open_files": allowed, "max_connections": connections, "workers": workers}
        _logger.warning("fewer files may be open than max_connections", extra=facts)
