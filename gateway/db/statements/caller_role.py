"""The database role that a caller's statements run by, and what PostgreSQL's policies can ask of the caller.

Both are settings of the call's transaction alone (`SET LOCAL`): they end with it, however it ends. So the
next call on the connection, and a pooler's next client, find nothing of them.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from gateway.auth.by_principal import ByPrincipal
from gateway.auth.principal import ANONYMOUS_ROLE, Principal, claim_at
from gateway.config.auth_settings import AuthSettings
from gateway.db.driver_errors import sqlstate_of
from gateway.errors import FailedPrecondition, InvalidArgument, PermissionDenied
from gateway.errors.sqlstate import is_of_text

MAX_CLAIMS = 16 * 1024
"""Bytes of what policies can ask of one caller, as JSON: they are sent with each of its transactions."""
OF_A_TOKEN = frozenset({"auth_time", "exp", "iat", "jti", "nbf"})
"""Claims that are others in each token of a caller's."""
LEAVE_ROLE = "SET LOCAL role TO DEFAULT"
"""Returns to the gateway's own role, until the transaction ends."""


@dataclass(frozen=True, slots=True, eq=False)
class CallerRoles:
    """Says which role each caller's statements run by.

    Args:
        allowed: the roles that callers may have. What a caller says never becomes a role that isn't here.
        usual: the role of callers without the claim; None where they have none.
        claim: the path of the claim that names the role; None where all have the usual one.

    """

    allowed: frozenset[str]
    usual: str | None = None
    claim: str | None = None
    _settings: ByPrincipal[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_settings", ByPrincipal(lambda one: _settings(self.role_of(one), one)))

    def settings(self, caller: Principal) -> str:
        """Return the SQL that makes an open transaction the caller's.

        Raises PermissionDenied for one who has no role (DATABASE_ROLE_NOT_ALLOWED), or of whom PostgreSQL
        can't be told (CLAIMS_TOO_LARGE, CALLER_UNTELLABLE).
        """
        return self._settings[caller]

    def rights(self, caller: Principal) -> str:
        """Return all of a caller that policies can go by, but for what each of its tokens has for itself."""
        claims = {name: value for name, value in caller.claims.items() if name not in OF_A_TOKEN}
        told = [self.role_of(caller), sorted(caller.roles), claims]
        return json.dumps(told, separators=(",", ":"), sort_keys=True)

    def role_of(self, caller: Principal) -> str:
        """Return a caller's role; raises PermissionDenied for one who has none."""
        named = None if self.claim is None else claim_at(caller.claims, self.claim)
        role = self.usual if named is None else named
        if not isinstance(role, str) or role not in self.allowed:
            raise PermissionDenied(
                "the caller has no role in the database that it may act by",
                reason="DATABASE_ROLE_NOT_ALLOWED",
            )
        return role


def caller_roles(settings: AuthSettings) -> CallerRoles | None:
    """Return which role each caller has; None where all calls run by the gateway's own."""
    if settings.row_security != "postgres":
        return None
    usual = settings.database_role
    allowed = frozenset(settings.database_roles) | ({usual} if usual else set())
    return CallerRoles(allowed, usual, settings.database_role_claim)


@contextmanager
def blaming_policies(args: Sequence[Any]) -> Iterator[None]:
    """Raise what a policy fails with over the caller's claims as that, where no request can be to blame.

    PostgreSQL doesn't say what a text comes from that it can't cast: where a statement takes none it was a
    policy's, or another rule's of the database.

    Args:
        args: the statement's.

    """
    try:
        yield
    except InvalidArgument as error:
        if _has_text(args) or not is_of_text(sqlstate_of(error)):
            raise
        raise FailedPrecondition(
            "a policy or another rule in the database fails for this caller",
            reason="ROW_POLICY_FAILED",
            metadata=error.metadata,
        ) from error.__cause__


def _has_text(values: Any) -> bool:
    if isinstance(values, list | tuple):
        return any(map(_has_text, values))
    return isinstance(values, str | bytes)


def _settings(role: str, caller: Principal) -> str:
    # Nobody's claims have no subject: policies tell callers with a credential by that (`auth.uid()`).
    subject = {} if caller.kind == ANONYMOUS_ROLE else {"sub": caller.id}
    given = {
        "request.jwt.claims": _json({**caller.claims, **subject, "role": role}),
        "rowgate.principal": caller.name,
        "rowgate.roles": _json(sorted(caller.roles)),
        "role": role,
    }
    if sum(map(len, given.values())) > MAX_CLAIMS:
        raise PermissionDenied(
            f"what the caller's credential says is larger than {MAX_CLAIMS} bytes", reason="CLAIMS_TOO_LARGE"
        )
    calls = (f"pg_catalog.set_config('{name}', {_literal(text)}, true)" for name, text in given.items())
    return f"SELECT {', '.join(calls)}"


def _json(value: Mapping[str, Any] | list[str]) -> str:
    return json.dumps(value, separators=(",", ":"))


def _literal(text: str) -> str:
    """Return a text as SQL has it, whatever `standard_conforming_strings` is."""
    if "\0" in text:
        raise PermissionDenied("the caller's name can't be told to the database", reason="CALLER_UNTELLABLE")
    doubled = text.replace("\\", "\\\\").replace("'", "''")
    return f"E'{doubled}'"
