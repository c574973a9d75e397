"""API keys for the tests of policy, as `rowgate keys` makes them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.auth.api_key_file import changed_keys, new_key


def key_of(path: Path, name: str, *roles: str, claims: Mapping[str, Any] | None = None) -> str:
    """Return a new key of a file, as an `authorization` header has it."""
    key, kept = new_key(name, roles, claims or {}, None)
    with changed_keys(path) as known:
        known[name] = kept
    return f"Bearer {key}"
