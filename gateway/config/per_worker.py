"""The settings of one worker: its part of what the server has as a whole."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from gateway.config.section import Section
from gateway.config.settings import Settings, Share

DIVIDED: Mapping[str, tuple[str, ...]] = {
    "database": ("pool_size", "queue_size", "max_cursors", "max_sessions"),
    "coalesce": ("max_waiting",),
    "cache": ("max_bytes",),
    "traces": ("max_followed",),
    "limits": (
        *("max_in_flight", "max_concurrent_bulk", "max_connections"),
        *("max_request_bytes_in_flight", "max_response_bytes_in_flight"),
        *("caller_rate", "caller_burst", "caller_in_flight"),
    ),
}
"""The settings that are divided, by section. What a call, a connection or the database has isn't."""


def divided(settings: Settings, workers: int, place: int) -> Settings:
    """Return the settings of the worker at a place, from 0 on, among so many."""
    parts: Mapping[str, Any] = {
        name: _part(getattr(settings, name), fields, workers, place) for name, fields in DIVIDED.items()
    }
    share = Share(place, workers, settings.database.pool_size)
    return dataclasses.replace(settings, share=share, **parts)


def _part(section: Section, fields: tuple[str, ...], workers: int, place: int) -> Section:
    update = {field: part(getattr(section, field), workers, place) for field in fields}
    return section.model_copy(update=update)


def part(total: int, workers: int, place: int) -> int:
    """Return a worker's part of a number. The parts add up to it, unless it is less than 1 for each.

    0, which switches something off, stays 0.
    """
    whole, rest = divmod(total, workers)
    return max(whole + (place < rest), min(total, 1))
