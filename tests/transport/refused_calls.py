"""Calls that are refused before a handler has them, each with the code and the reason."""

import struct

from gateway.transport.wire.framing import frame as message_frame
from gateway.transport.wire.http2 import frames
from gateway.transport.wire.http2.frames import frame
from tests.transport.conftest import GET
from tests.transport.reasons import reason_of
from tests.transport.wire.http2.peer import Peer

OUT_OF_TIME = 4
PATH = f"/{GET}"
LONG = message_frame(bytes(5000))
Headers = tuple[tuple[str, str], ...]
Refused = tuple[str, Headers, bytes, int, str]
"""Path, further headers, body; code and reason."""
EVERYWHERE: dict[str, Refused] = {
    "an unknown method": ("/nothing.v1.Nothing/Get", (), LONG, 12, "UNKNOWN_METHOD"),
    "an unknown method of a service": (f"{PATH}s", (), LONG, 12, "UNKNOWN_METHOD"),
    "no request": (PATH, (), b"", 12, "NOT_ONE_REQUEST"),
    "a request that is none": (PATH, (), message_frame(b"\xff"), 3, "REQUEST_MALFORMED"),
    "a request past the limit": (PATH, (), LONG, 11, "REQUEST_TOO_LARGE"),
    "an unknown service's health": (
        "/grpc.health.v1.Health/Check",
        (),
        message_frame(b"\x0a\1x"),
        5,
        "UNKNOWN_SERVICE",
    ),
}
WHERE_FRAMES_ARE_OURS: dict[str, Refused] = {
    # grpc core has its own clock for what the caller asks for.
    "no time left": (PATH, (("grpc-timeout", "1n"),), message_frame(b""), 4, "DEADLINE_EXCEEDED"),
    "no time for the request": (PATH, (("grpc-timeout", "50m"),), b"\0\0", 4, "DEADLINE_EXCEEDED"),
    "two requests": (PATH, (), message_frame(b"") * 2, 12, "NOT_ONE_REQUEST"),
    "a request that ends early": (PATH, (), b"\0\0\0\0\1", 3, "REQUEST_MALFORMED"),
    "a request far past the limit": (PATH, (), b"\0\0\1\0\0", 11, "REQUEST_TOO_LARGE"),
    "a length past all": (PATH, (), b"\0" + struct.pack(">I", 2**32 - 1), 11, "REQUEST_TOO_LARGE"),
    "a timeout that is none": (PATH, (("grpc-timeout", "soon"),), LONG, 13, "HEADER_MALFORMED"),
    "metadata that is no base64": (PATH, (("x-bin", "!"),), b"\0", 13, "HEADER_MALFORMED"),
    "metadata past the limit": (PATH, (("x-long", "x" * 4096),), LONG, 8, "METADATA_TOO_LARGE"),
    "a path past the limit": ("/" + "x" * 4096, (), LONG, 8, "METADATA_TOO_LARGE"),
    "an unknown compression": (PATH, (("grpc-encoding", "rot13"),), LONG, 12, "UNKNOWN_ENCODING"),
    "a compression that isn't named": (PATH, (), b"\1\0\0\0\1x", 13, "REQUEST_MALFORMED"),
    "a health check that doesn't come": (
        "/grpc.health.v1.Health/Check",
        (("grpc-timeout", "50m"),),
        b"\0",
        4,
        "DEADLINE_EXCEEDED",
    ),
    "JSON of an unknown method": (
        "/no/JSON",
        (("content-type", "application/grpc+json"),),
        LONG,
        12,
        "UNKNOWN_METHOD",
    ),
}


async def refused(peer: Peer, call: Refused) -> tuple[int, str]:
    """Make a call; return the code and the reason that it ends with."""
    path, headers, body, code, _ = call
    number = peer.begin(path, *headers)
    ends = 0 if code == OUT_OF_TIME else frames.END_STREAM
    peer.send(frame(frames.DATA, ends, number, body))
    return reason_of((await peer.answer(number)).headers)
