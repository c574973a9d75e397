"""Authorization of calls: who makes each, and whether they may. It comes before all that a call costs."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from gateway.auth.authenticator import Authenticator, Credentials, refused_credential
from gateway.auth.principal import Principal
from gateway.errors import PermissionDenied
from gateway.transport.wire.request import Header

_AUTHORIZATION = b"authorization"


class Allows(Protocol):
    """Says who may call one method."""

    def allows(self, principal: Principal) -> bool:
        """Whether a principal may."""


class Authorization:
    """Identifies the callers, and turns away those that may not call what they call.

    Args:
        authenticator: knows them.
        permissions: of the methods, by path; nobody may call a method without one.
        unknown: says who is told that a path leads nowhere; others hear what they hear of every path.
        explain: says whose calls are explained; None where nobody's are.

    """

    def __init__(
        self,
        authenticator: Authenticator,
        permissions: Mapping[str, Allows],
        unknown: Allows | None = None,
        explain: Allows | None = None,
    ) -> None:
        self._authenticator = authenticator
        self._permissions = permissions
        self._by_name = {path.removeprefix("/"): permission for path, permission in permissions.items()}
        self._unknown = unknown
        self._explain = explain

    def recall(
        self, headers: Sequence[Header], certificate: bytes, authorization: bytes | None = None
    ) -> Principal | None:
        """Return who calls, None where `identify` has to find out; raises Unauthenticated.

        Args:
            headers: the call's.
            certificate: its caller's, DER, as the TLS handshake has verified it; empty without one.
            authorization: the header of this name, empty where there is none; None where `headers` tell.

        """
        told = _authorization(headers) if authorization is None else authorization
        # Past Credentials' own __new__, which is written in Python: each call passes here.
        return self._authenticator.recall(tuple.__new__(Credentials, (told, certificate)))

    async def identify(
        self, headers: Sequence[Header], certificate: bytes, authorization: bytes | None = None
    ) -> Principal:
        """Return who calls, after waiting where that is needed; takes and raises what `recall` does."""
        told = _authorization(headers) if authorization is None else authorization
        return await self._authenticator.authenticate(Credentials(told, certificate))

    def require(self, path: str, principal: Principal, *, unknown: bool = False) -> None:
        """Raise PermissionDenied unless a caller may call a path.

        With `unknown`, who is told that a path leads nowhere passes for one that isn't known.
        """
        if not self.allows(path, principal, unknown=unknown):
            raise not_allowed()

    def require_method(self, name: str, principal: Principal) -> None:
        """Raise PermissionDenied unless a caller may call a method, `package.Service/Method`."""
        permission = self._by_name.get(name)
        if permission is None or not permission.allows(principal):
            raise not_allowed()

    def allows(self, path: str, principal: Principal, *, unknown: bool = False) -> bool:
        """Whether a caller may call a path; `unknown` as of `require`."""
        permission = self._permissions.get(path, self._unknown if unknown else None)
        return permission is not None and permission.allows(principal)

    def require_explain(self, principal: Principal) -> None:
        """Raise PermissionDenied unless a caller's calls are explained."""
        if self._explain is None or not self._explain.allows(principal):
            raise PermissionDenied("the caller's calls aren't explained", reason="EXPLAIN_NOT_ALLOWED")


def not_allowed() -> PermissionDenied:
    """Return the error of who may not call what it calls."""
    return PermissionDenied("the caller may not call this method", reason="CALL_NOT_ALLOWED")


def _authorization(headers: Sequence[Header]) -> bytes:
    """Return the header that names the caller; raises Unauthenticated where there are two, though empty.

    Whoever stands before the gateway may have looked at the other one.
    """
    found = [value for name, value in headers if name == _AUTHORIZATION]
    if len(found) > 1:
        raise refused_credential("there are two authorization headers")
    return found[0] if found else b""
