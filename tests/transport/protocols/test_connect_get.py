"""The query of Connect's GET."""

from base64 import urlsafe_b64encode
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidArgument
from gateway.transport.protocols.connect.get import read_query


@given(st.binary(), st.booleans(), st.sampled_from(["", "gzip"]))
def test_bytes_come_as_base64_padded_or_not(message: bytes, padded: bool, compression: str) -> None:  # noqa: FBT001
    text = urlsafe_b64encode(message).decode()
    text = quote(text) if padded else text.rstrip("=")
    said = read_query(f"connect=v1&base64=1&compression={compression}&encoding=proto&message={text}")
    assert said == ("proto", compression, message)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_text_comes_percent_encoded(message: str) -> None:
    said = read_query(f"message={quote(message)}&other=1&encoding=json")
    assert said == ("json", "", message.encode())


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("", "encoding is missing"),
        ("encoding=json", "message is missing"),
        ("message=%7B%7D", "encoding is missing"),
        ("connect=v2&encoding=json&message=", 'connect has to be "v1"'),
        ("encoding=json&message=%FF", "UTF-8"),
        ("base64=1&encoding=json&message=a", "base64"),
        ("base64=1&encoding=json&message=a+b/", "base64"),
        ("base64=1&encoding=json&message=é", "base64"),
        ("&".join(f"a{n}=1" for n in range(100)), "parameters"),
    ],
)
def test_what_can_t_be_read_is_the_caller_s_fault(query: str, says: str) -> None:
    with pytest.raises(InvalidArgument, match=says):
        read_query(query)
