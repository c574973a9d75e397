"""The chain of providers: the first that knows a credential's kind decides whose it is."""

import re
from collections.abc import Callable, Sequence
from time import time
from typing import NamedTuple, Protocol

from gateway.auth.authenticator import Credentials, WrongCredential, refused_credential
from gateway.auth.principal import ANONYMOUS, Principal
from gateway.auth.remembered import Remembered
from gateway.errors import Unauthenticated

MAX_AUTHORIZATION = 8 * 1024
"""Bytes of an `authorization` header; longer ones are refused unread."""
_KNOWN = 4096
_REFUSED = 512
_REFUSED_SECONDS = 10.0
_BEARER = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._~+/-]+=*)")


class Presented(NamedTuple):
    """Credentials, taken apart.

    Args:
        token: the bearer token (RFC 6750, 2.1); empty without one.
        certificate: the client's, DER; empty without one.

    """

    token: bytes
    certificate: bytes

    def __repr__(self) -> str:
        """Return a text without them."""
        return "Presented(…)"


class Provider(Protocol):
    """Knows the principals of one kind of credential."""

    def recognises(self, presented: Presented) -> bool:
        """Whether there is a credential of its kind, right or wrong."""

    def recall(self, presented: Presented) -> Principal | None:
        """Return whose credential this is, None where that takes waiting; raises Unauthenticated."""

    async def authenticate(self, presented: Presented) -> Principal:
        """Return whose credential this is; raises Unauthenticated."""

    async def start(self, changed: Callable[[], None]) -> None:
        """Read what it knows them by; `changed` is called whenever that changes. Raises ConfigError."""

    async def stop(self) -> None:
        """End what goes on beside the calls."""


class ProviderChain:
    """An Authenticator.

    Who was known is remembered until the credential ends, or what it is checked by changes; who was refused,
    for a moment and apart: so one wrong token costs little however often it comes, and many wrong ones make
    nobody's right one be forgotten.

    Args:
        providers: in the order in which they are asked.

    """

    def __init__(self, providers: Sequence[Provider]) -> None:
        self._providers = tuple(providers)
        self._known = Remembered[Credentials, Principal](_KNOWN)
        self._refused = Remembered[Credentials, tuple[str, float]](_REFUSED)
        self._changes = 0

    async def start(self) -> None:
        """Have the providers read what they know principals by; raises ConfigError."""
        for provider in self._providers:
            await provider.start(self._forget)

    async def stop(self) -> None:
        """End what goes on beside the calls; safe before `start`, and twice."""
        for provider in self._providers:
            await provider.stop()

    def recall(self, credentials: Credentials) -> Principal | None:
        """Return whose credentials these are, None where that takes waiting; raises Unauthenticated."""
        known = self._known.get(credentials)
        if known is not None and (known.expires_at is None or time() < known.expires_at):
            return known
        return self._find_out(credentials)

    async def authenticate(self, credentials: Credentials) -> Principal:
        """Return whose credentials these are; raises Unauthenticated."""
        principal = self.recall(credentials)
        if principal is not None:
            return principal
        changes = self._changes
        presented, provider = self._provider_of(credentials)
        if provider is None:
            return ANONYMOUS
        try:
            principal = await provider.authenticate(presented)
        except Unauthenticated as error:
            self._note_refusal(credentials, error)
            raise
        if changes == self._changes:
            self._known.add(credentials, principal)
        return principal

    def _find_out(self, credentials: Credentials) -> Principal | None:
        if len(credentials.authorization) > MAX_AUTHORIZATION:
            raise refused_credential("the authorization header is too long")
        found = self._refused.get(credentials)
        if found is not None and time() < found[1]:
            raise refused_credential(found[0])
        try:
            presented, provider = self._provider_of(credentials)
            principal = ANONYMOUS if provider is None else provider.recall(presented)
        except Unauthenticated as error:
            self._note_refusal(credentials, error)
            raise
        if principal is not None:
            self._known.add(credentials, principal)
        return principal

    def _provider_of(self, credentials: Credentials) -> tuple[Presented, Provider | None]:
        """Return who knows them, None where there are none; raises Unauthenticated where nobody does."""
        bearer = _BEARER.fullmatch(credentials.authorization)
        presented = Presented(bearer[1] if bearer else b"", credentials.certificate)
        for provider in self._providers:
            if provider.recognises(presented):
                return presented, provider
        if credentials.authorization:
            raise refused_credential("no provider knows this kind of credential")
        return presented, None

    def _note_refusal(self, credentials: Credentials, error: Unauthenticated) -> None:
        why = str(error.__cause__) if isinstance(error.__cause__, WrongCredential) else ""
        self._refused.add(credentials, (why, time() + _REFUSED_SECONDS))

    def _forget(self) -> None:
        self._changes += 1
        self._known.clear()
        self._refused.clear()
