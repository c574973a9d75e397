"""Lines of the log about hosts that can't take over, told while another one still serves."""

import logging
from collections.abc import Callable

from gateway.db.connections.dsn import Target
from gateway.db.connections.refusals import refusal
from gateway.db.connections.standing import Standing

_logger = logging.getLogger(__name__)


class HostWarnings:
    """Tells of hosts of other clusters, and of those that refuse us: each once, until that changes.

    Args:
        is_final: whether a failure to connect will be the same as long as nobody changes something.

    """

    def __init__(self, is_final: Callable[[Exception], bool]) -> None:
        self._is_final = is_final
        self._refused: dict[str, str] = {}
        self._clusters: dict[str, int] = {}
        self._told: dict[str, int] = {}

    def heard(self, target: Target, answer: Standing | Exception) -> None:
        """Note what a host said, or why it couldn't be asked."""
        place = target.hosts[0].place
        if isinstance(answer, Standing):
            self._refused.pop(place, None)
            if self._clusters.get(place) != answer.system:
                self._clusters[place] = answer.system
                self._compare()
        elif self._is_final(answer):
            why = refusal(answer, target.sslmode)
            if self._refused.get(place) != why:
                self._refused[place] = why
                _logger.warning("a host can't be used", extra={"host": place, "why": why})

    def _compare(self) -> None:
        if len(set(self._clusters.values())) > 1 and self._told != self._clusters:
            self._told = dict(self._clusters)
            _logger.warning(
                "the hosts are of different clusters: when one fails, another's rows are served",
                extra={"system_identifiers": {place: str(one) for place, one in self._told.items()}},
            )
