"""Clients as people write them: one for each way of calling gRPC, built by `make clients` (README.md)."""

import json
import secrets
import shutil
import sys
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

_ROOT = Path(__file__).parent.parent.parent
_FOLDER = Path(__file__).parent
_TOOLS = _ROOT / ".tools"
_TOKEN_BYTES = 1024

CLIENTS: Mapping[str, Sequence[str]] = {
    "grpcio": (sys.executable, str(_FOLDER / "grpcio.py")),
    "grpc-go": (str(_TOOLS / "bin" / "client-grpc-go"),),
    "grpc-java": ("java", "-cp", f"{_TOOLS / 'java'}:{_TOOLS / 'java' / 'lib'}/*", "Client"),
    "grpc-js": ("node", str(_FOLDER / "grpc_js.cjs")),
    "tonic": (str(_TOOLS / "bin" / "client-tonic"),),
}
"""How each client is started."""

ENVIRONMENT: Mapping[str, str] = {"NODE_PATH": str(_TOOLS / "node" / "node_modules")}
"""What they need beside the environment."""

_NEEDS: Mapping[str, Path] = {
    "grpc-java": _TOOLS / "java" / "Client.class",
    "grpc-js": _TOOLS / "node" / "node_modules" / "@grpc",
}


def is_built(name: str) -> bool:
    """Return whether a client can be started."""
    return shutil.which(CLIENTS[name][0]) is not None and _NEEDS.get(name, _ROOT).exists()


def command(
    name: str, target: str, method: str, requests: Path, *, calls: int, in_flight: int
) -> Sequence[str]:
    """Return the command line of a client that calls `/package.Service/Method`."""
    return (*CLIENTS[name], target, method, str(requests), str(calls), str(in_flight), token())


def write_requests(requests: Iterable[bytes], file: Path) -> Path:
    """Write the requests that clients send in turn."""
    file.write_text("".join(f"{request.hex()}\n" for request in requests))
    return file


def answered(printed: str) -> int:
    """Return how many calls were answered; raises RuntimeError where any failed."""
    counts: dict[int, int] = {int(code): count for code, count in json.loads(printed).items()}
    if set(counts) != {0}:
        raise RuntimeError(f"calls failed, by code: {counts}")
    return counts[0]


def token() -> str:
    """Return an `authorization` of the size that a JWT with a few claims and an RSA signature has."""
    return f"Bearer {urlsafe_b64encode(secrets.token_bytes(_TOKEN_BYTES * 3 // 4)).decode()}"
