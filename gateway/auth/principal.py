"""The principal: who calls, as every later stage sees them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

ANONYMOUS_ROLE = "anonymous"
"""The role of a caller without a credential; nobody else can have it."""
AUTHENTICATED_ROLE = "authenticated"
"""The role of every caller with a credential, beside those that it names."""


@dataclass(frozen=True, slots=True, eq=False)
class Principal:
    """Who calls. Made once for each credential, and told apart by identity.

    Args:
        id: the name within its kind: a token's subject, an API key's name, a certificate's name.
        kind: which credential told: `jwt`, `api_key`, `client_certificate`; `anonymous` for none.
        roles: what it may act as.
        claims: what else its credential says, as JSON values by name.
        expires_at: when the credential ends, as time.time() counts; None where it doesn't.

    """

    id: str
    kind: str
    roles: frozenset[str] = frozenset()
    claims: Mapping[str, Any] = field(default_factory=dict)
    expires_at: float | None = None
    name: str = field(init=False)
    """The name over all kinds, `kind:id`: logs, request ids and Ingest streams are kept by it."""

    def __post_init__(self) -> None:
        """Write the name, which each call asks for."""
        name = ANONYMOUS_ROLE if self.kind == ANONYMOUS_ROLE else f"{self.kind}:{self.id}"
        object.__setattr__(self, "name", name)


ANONYMOUS = Principal(ANONYMOUS_ROLE, ANONYMOUS_ROLE, frozenset({ANONYMOUS_ROLE}))
"""Who brings no credential; everybody, where callers aren't identified."""


def with_credential(named: Iterable[str]) -> frozenset[str]:
    """Return the roles of a caller whose credential names some: whoever brings one isn't anonymous."""
    return frozenset(named) - {ANONYMOUS_ROLE} | {AUTHENTICATED_ROLE}


def claim_at(claims: Any, path: str) -> Any:
    """Return what a path of names leads to; a name may have dots itself, as those that are URLs do."""
    if not isinstance(claims, Mapping):
        return None
    if path in claims:
        return claims[path]
    name, dot, rest = path.partition(".")
    return claim_at(claims.get(name), rest) if dot else None
