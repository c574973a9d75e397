"""An issuer of tokens, with its keys and what it publishes of them."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from time import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

ISSUER = "https://login.example.org/"
AUDIENCE = "rowgate"


class Signer:
    """A key and its id."""

    def __init__(self, key_id: str, algorithm: str = "ES256") -> None:
        self.key_id = key_id
        self.algorithm = algorithm
        self.key: Any = (
            ec.generate_private_key(ec.SECP256R1())
            if algorithm == "ES256"
            else rsa.generate_private_key(public_exponent=65537, key_size=2048)
        )

    @property
    def published(self) -> dict[str, Any]:
        """The public key as a key set has it."""
        kind: Any = ECAlgorithm if self.algorithm == "ES256" else RSAAlgorithm
        return {**json.loads(kind.to_jwk(self.key.public_key())), "kid": self.key_id, "use": "sig"}

    def token(self, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
        """Return a token that is right unless the claims say otherwise; None leaves one out."""
        all_claims = {**right_claims(), **claims}
        kept = {name: value for name, value in all_claims.items() if value is not None}
        headers = {"kid": self.key_id, **(header or {})}
        return jwt.encode(kept, self.key, algorithm=self.algorithm, headers=headers)


def right_claims() -> dict[str, Any]:
    """Return the claims of a right token."""
    return {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "exp": int(time()) + 600, "roles": ["reader"]}


def key_set(*signers: Signer) -> bytes:
    """Return what an issuer publishes of its keys."""
    return json.dumps({"keys": [signer.published for signer in signers]}).encode()


def response(body: bytes, status: int = 200) -> bytes:
    """Return an HTTP response."""
    return f"HTTP/1.1 {status} X\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


class Publisher:
    """A server that publishes keys as it is told: by default right ones."""

    def __init__(self, body: bytes) -> None:
        self.asked = 0
        self.answer: Callable[[asyncio.StreamWriter], Any] = self._send
        self.body = body
        self.url = ""

    async def _send(self, writer: asyncio.StreamWriter) -> None:
        writer.write(response(self.body))
        await writer.drain()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        try:
            await reader.readuntil(b"\r\n\r\n")
            self.asked += 1
            await self.answer(writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def publishing(
    body: bytes, certificate: Any = None, host: str = "127.0.0.1"
) -> AsyncIterator[Publisher]:
    """Give a server of keys, by TLS where it has a certificate."""
    publisher, tls = Publisher(body), None
    if certificate is not None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate.cert_path, certificate.key_path)
    server = await asyncio.start_server(publisher.serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    publisher.url = f"http{'s' if tls else ''}://{host}:{port}/keys"
    try:
        yield publisher
    finally:
        server.close()
