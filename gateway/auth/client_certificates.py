"""Client certificates, which the TLS handshake has verified: the names in them."""

import re
from collections.abc import Callable, Mapping, Sequence
from time import time
from typing import TypeVar

from cryptography import x509

from gateway.auth.authenticator import refused_credential
from gateway.auth.principal import Principal, with_credential
from gateway.auth.provider_chain import Presented

_MAX_CERTIFICATE = 16 * 1024
_MAX_NAME = 256
_MAX_NAMES = 100
_DNS = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*")
_EMAIL = re.compile(r"[^@\s/=]+@[A-Za-z0-9.-]+")
_SPIFFE = re.compile(r"spiffe://[a-z0-9._-]+(/[A-Za-z0-9._-]+)*")

_General = TypeVar("_General", x509.DNSName, x509.RFC822Name, x509.UniformResourceIdentifier)


class ClientCertificates:
    """A Provider.

    A caller's id is the first that a certificate has of these: its SPIFFE ID, of which there may be one; its
    first DNS name; its first email address; `CN=` and the common name of its subject. No name of one kind can
    be written as one of another, so that who may choose a common name isn't taken for a service.

    Args:
        roles: patterns of ids, in which `*` is any text without a slash, each with `=` and a role.

    """

    def __init__(self, roles: Sequence[str]) -> None:
        self._roles = [(_pattern(name), role) for name, _, role in (one.rpartition("=") for one in roles)]

    async def start(self, changed: Callable[[], None]) -> None:
        """Do nothing: certificates are verified by TLS."""

    async def stop(self) -> None:
        """Do nothing."""

    def recognises(self, presented: Presented) -> bool:
        """Whether there is a certificate."""
        return bool(presented.certificate)

    def recall(self, presented: Presented) -> Principal:
        """Return whose certificate this is; raises Unauthenticated."""
        if len(presented.certificate) > _MAX_CERTIFICATE:
            raise refused_credential("the client's certificate is too long")
        try:
            certificate = x509.load_der_x509_certificate(presented.certificate)
            names, ends = _names(certificate), certificate.not_valid_after_utc.timestamp()
        except (ValueError, x509.DuplicateExtension):
            names, ends = {}, 0.0
        if not names:
            raise refused_credential("the client's certificate has no name that can be read")
        if ends <= time():  # TLS has looked when the connection was made
            raise refused_credential("the client's certificate has expired")
        name = next(iter(names.values()))[0]
        roles = with_credential(role for pattern, role in self._roles if pattern.fullmatch(name))
        return Principal(name, "client_certificate", roles, names, ends)

    async def authenticate(self, presented: Presented) -> Principal:
        """Return whose certificate this is; raises Unauthenticated."""
        return self.recall(presented)


def _names(certificate: x509.Certificate) -> Mapping[str, Sequence[str]]:
    """Return the names that can be told from one another, by kind; none where they are ambiguous."""
    uris = _alternative(certificate, x509.UniformResourceIdentifier)
    spiffe = [one for one in uris if one.lower().startswith("spiffe:")]
    if len(spiffe) > 1 or not all(map(_SPIFFE.fullmatch, spiffe)):
        return {}
    common = [str(one.value) for one in certificate.subject if one.oid == x509.NameOID.COMMON_NAME]
    found = {
        "spiffe_id": spiffe,
        "dns_names": [one.lower() for one in _alternative(certificate, x509.DNSName) if _DNS.fullmatch(one)],
        "emails": [one for one in _alternative(certificate, x509.RFC822Name) if _EMAIL.fullmatch(one)],
        "common_name": [f"CN={one}" for one in common if one.isprintable() and len(common) == 1],
    }
    return {kind: names[:_MAX_NAMES] for kind, names in found.items() if names and len(names[0]) <= _MAX_NAME}


def _alternative(certificate: x509.Certificate, kind: type[_General]) -> Sequence[str]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    return [str(one) for one in extension.value.get_values_for_type(kind)]


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile("[^/]*".join(map(re.escape, name.split("*"))))
