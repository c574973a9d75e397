"""Compression: what a response may have, by what its request says."""

import gzip
import zlib
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Unimplemented
from gateway.transport.protocols.encodings import negotiate, packed

_UNPACK: Mapping[str, Callable[[bytes], bytes]] = {"gzip": gzip.decompress, "deflate": zlib.decompress}


@pytest.mark.parametrize(
    ("sent", "accepted", "request_encoding", "response_encoding"),
    [
        (None, None, None, None),
        (b"identity", b"gzip", None, "gzip"),
        (b"gzip", None, "gzip", "gzip"),
        (b"GZIP ", b"", "gzip", None),
        (None, b"br, deflate, gzip", None, "deflate"),
        (None, b"gzip;q=0, br;q=1.0, deflate;q=0.5", None, "deflate"),
        (None, b"gzip; q=0.000", None, None),
        (None, b"*, \xff", None, None),
    ],
)
def test_the_response_may_have_what_the_client_prefers(
    sent: bytes | None, accepted: bytes | None, request_encoding: str | None, response_encoding: str | None
) -> None:
    assert negotiate(sent, accepted) == (request_encoding, response_encoding)


def test_what_isn_t_spoken_is_refused_by_what_is() -> None:
    with pytest.raises(Unimplemented, match=r'"br" is none of .*: gzip, deflate, identity'):
        negotiate(b"br", b"gzip")


@given(st.binary(max_size=3000), st.sampled_from([None, "gzip", "deflate"]))
async def test_a_message_is_compressed_where_that_is_worth_it(message: bytes, encoding: str | None) -> None:
    sent, used = await packed(message, encoding)
    assert used in {None, encoding}
    assert (used is None) == (encoding is None or len(message) < 1024)
    assert (_UNPACK[used](sent) if used else sent) == message
