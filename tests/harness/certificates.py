"""Certificates for tests, valid for an hour."""

import datetime as dt
import ipaddress
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


class Certificate:
    """A key and a certificate for 127.0.0.1, signed by itself or by another one.

    Args:
        folder: where its files are.
        name: the files', and its subject's common name unless that is another.
        signer: who signs it; by default it signs itself, and others.
        names: in place of 127.0.0.1.
        ends: when it does, from now.
        common_name: its subject's.

    """

    def __init__(
        self,
        folder: Path,
        name: str,
        signer: "Certificate | None" = None,
        *,
        names: Sequence[x509.GeneralName] = (),
        ends: dt.timedelta = dt.timedelta(hours=1),
        common_name: str = "",
    ) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name or name)])
        now = dt.datetime.now(dt.UTC)
        loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        signed = (
            x509.CertificateBuilder()
            .subject_name(self.subject)
            .issuer_name(signer.subject if signer else self.subject)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + ends)
            .add_extension(x509.SubjectAlternativeName(names or [loopback]), critical=False)
            .add_extension(x509.BasicConstraints(ca=signer is None, path_length=None), critical=True)
            .sign(signer.key if signer else self.key, hashes.SHA256())
        )
        self.der = signed.public_bytes(serialization.Encoding.DER)
        self.cert_path, self.key_path = folder / f"{name}.pem", folder / f"{name}.key"
        self.cert_path.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        self.key_path.write_bytes(
            self.key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
