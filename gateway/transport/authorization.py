"""Authorization of calls: who makes each, and whether they may. It comes before all that a call costs."""

from collections.abc import Container, Mapping, Sequence
from typing import Protocol

from gateway.auth.authenticator import Authenticator, Credentials, refused_credential
from gateway.auth.principal import Principal
from gateway.errors import PermissionDenied
from gateway.transport.exchange import Exchange
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
        open_paths: of what everybody may call, whoever they are.
        unknown: says who is told that a path leads nowhere; others hear what they hear of every path.

    """

    def __init__(
        self,
        authenticator: Authenticator,
        permissions: Mapping[str, Allows],
        open_paths: Container[str] = (),
        unknown: Allows | None = None,
    ) -> None:
        self._authenticator = authenticator
        self._permissions = permissions
        self._open = open_paths
        self._unknown = unknown

    def enter(self, exchange: Exchange) -> None:
        """Let a call in whose caller is known; raises Unauthenticated, and PermissionDenied.

        That of a caller who isn't known yet may begin, and has to `wait` before anything is done for it.
        """
        principal = self._authenticator.recall(_credentials(exchange))
        if principal is None:
            exchange.is_identified = False
        else:
            self._let_in(exchange, principal)

    async def wait(self, exchange: Exchange) -> None:
        """Find out who makes a call, and let it in; raises Unauthenticated, and PermissionDenied."""
        self._let_in(exchange, await self._authenticator.authenticate(_credentials(exchange)))

    async def let_in(self, exchange: Exchange) -> None:
        """Let a call in, after waiting where that is needed; raises as `wait`."""
        self.enter(exchange)
        if not exchange.is_identified:
            await self.wait(exchange)

    def may_ask(self, exchange: Exchange) -> bool:
        """Whether the caller is known, and may learn what its path leads to; raises as `wait`.

        One who may not hears the same of every path. One who isn't known yet has to `wait_to_ask`.
        """
        if exchange.path in self._open:
            return True
        principal = self._authenticator.recall(_credentials(exchange))
        if principal is not None:
            exchange.record.principal = principal.name
            self._require(self._permissions.get(exchange.path, self._unknown), principal)
        return principal is not None

    async def wait_to_ask(self, exchange: Exchange) -> None:
        """Find out who asks, and whether they may learn what their path leads to; raises as `wait`."""
        principal = await self._authenticator.authenticate(_credentials(exchange))
        exchange.record.principal = principal.name
        self._require(self._permissions.get(exchange.path, self._unknown), principal)

    def _let_in(self, exchange: Exchange, principal: Principal) -> None:
        exchange.record.principal = principal.name  # who is refused is logged, too
        self._require(self._permissions.get(exchange.path), principal)
        exchange.principal, exchange.is_identified = principal, True

    def _require(self, permission: Allows | None, principal: Principal) -> None:
        if permission is None or not permission.allows(principal):
            raise PermissionDenied("the caller may not call this method", reason="CALL_NOT_ALLOWED")


def _credentials(exchange: Exchange) -> Credentials:
    told = exchange.authorization
    return Credentials(_authorization(exchange.headers) if told is None else told, exchange.certificate)


def _authorization(headers: Sequence[Header]) -> bytes:
    """Return the header that names the caller; raises Unauthenticated where there are two, though empty.

    Whoever stands before the gateway may have looked at the other one.
    """
    found = [value for name, value in headers if name == _AUTHORIZATION]
    if len(found) > 1:
        raise refused_credential("there are two authorization headers")
    return found[0] if found else b""
