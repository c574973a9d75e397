"""The authenticator: credentials in, a principal out."""

from typing import NamedTuple, Protocol

from gateway.auth.principal import Principal
from gateway.errors import Unauthenticated


class Credentials(NamedTuple):
    """What a call brings to say who makes it.

    Args:
        authorization: the `authorization` header as it was sent; empty where it has none.
        certificate: the client's certificate, DER, that the TLS handshake has verified; empty without one.

    """

    authorization: bytes = b""
    certificate: bytes = b""

    def __repr__(self) -> str:
        """Return a text without them."""
        return "Credentials(…)"


class Authenticator(Protocol):
    """Knows principals by their credentials. No credential is `ANONYMOUS`.

    What it raises is Unauthenticated, with the reason for the log as its cause.
    """

    def recall(self, credentials: Credentials) -> Principal | None:
        """Return whose credentials these are, None where that takes waiting; raises Unauthenticated."""

    async def authenticate(self, credentials: Credentials) -> Principal:
        """Return whose credentials these are; raises Unauthenticated."""


class WrongCredential(Exception):  # noqa: N818 - the caller's, not ours
    """Why a credential is refused, for the log alone: in words of ours, without a part of it."""


def refused_credential(why: str) -> Unauthenticated:
    """Return the error of a wrong credential: it doesn't say what is wrong with it, the log does."""
    error = Unauthenticated("the credential is not accepted", reason="CREDENTIAL_REFUSED")
    error.__cause__ = WrongCredential(why)
    return error


def credential_expired() -> Unauthenticated:
    """Return the error of a call that lasts longer than its caller's credential."""
    return Unauthenticated("the credential has expired: go on with a new one", reason="CREDENTIAL_EXPIRED")
