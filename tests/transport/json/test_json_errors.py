"""JSON that is none of a message is refused, with the path of the field at fault."""

import json
from typing import Any

import pytest

from gateway.errors import InvalidArgument
from gateway.transport.protocols.json import json_reader
from gateway.transport.protocols.json.reader import MAX_ELEMENTS
from tests.transport.json.pools import descriptor

READ = json_reader(descriptor("edge", "edge.v1.Edge"))


def refused(text: str | bytes) -> InvalidArgument:
    with pytest.raises(InvalidArgument) as caught:
        READ(text.encode() if isinstance(text, str) else text)
    return caught.value


@pytest.mark.parametrize(
    ("plain", "path", "said"),
    [
        ({"small": "x"}, "small", "is no whole number"),
        ({"small": 2**31}, "small", "is not within"),
        ({"pair": {"left": 5}}, "pair.left", "is no text"),
        (
            {"byTruth": {"true": {"closeds": ["NONE", "NO"]}}},
            "by_truth[true].closeds[1]",
            "is no value of",
        ),
        ({"byNumber": {"x": ""}}, "by_number[x]", "is no whole number"),
        (
            {"times": ["2024-13-01T00:00:00Z"]},
            "times[0]",
            "is no time of the calendar",
        ),
        ({"tex": ""}, "tex", 'did you mean "text"?'),
        ({"other": {"trut": True}}, "other.trut", 'did you mean "truth"?'),
        ({"one": "", "other": {}}, "other", "stands beside one"),
        ({"byTruth": {}, "by_truth": {}}, "by_truth", "is named twice"),
        ({"byNumber": {"1": "", "01": ""}}, "by_number", "names a key twice"),
        ({"packed": {"@type": "x/edge.v1.Edge", "small": ""}}, "packed.small", "is no whole number"),
        ({"packed": {"@type": "x/no.Such"}}, "packed.@type", "is no message that the schema knows"),
        (
            {"packed": {"@type": "x/google.protobuf.Duration", "value": "1s", "more": 1}},
            "packed",
            "nothing else",
        ),
        ({"[edge.v1.extra_edges]": [{"small": []}]}, "[edge.v1.extra_edges][0].small", "is no whole number"),
        ({"[edge.v1.no_such]": 1}, "[edge.v1.no_such]", "is no field of edge.v1.Edge"),
    ],
)
def test_the_field_at_fault_is_named(plain: Any, path: str, said: str) -> None:
    error = refused(json.dumps(plain))
    assert error.reason == "REQUEST_MALFORMED"
    assert [(violation.field, violation.reason) for violation in error.violations] == [
        (path, "REQUEST_MALFORMED")
    ]
    assert said in error.message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "is no JSON"),
        (b'{"text": "', "is no JSON"),
        (b'{"text": NaN}', "is no JSON"),
        (b'{"text": "\\ud800"}', "is no JSON"),
        (b'{"text": "\xff"}', "is no JSON"),
        (b'{"number": 1e400}', "is no JSON"),
        (b"[]", "is no object"),
        (b"null", "is no object"),
        (b'{"small": 1, "small": 1}', "names a member of an object twice"),
        (b'{"small" : 1,\n"text" : ":\\"\\\\", "small"\t: 1}', "names a member of an object twice"),
        (b'{"object": {"a": {"b:\\\\": 1, "b:\\\\": ":"}}}', "names a member of an object twice"),
        (b'{"list":' + b"[" * 60 + b"]" * 60 + b"}", "is nested too deeply"),
        (b'{"list":' + b"[" * 500 + b"]" * 500 + b"}", "is nested too deeply"),
        (b'{"other":' * 500 + b"{}" + b"}" * 500, "is nested too deeply"),
    ],
)
def test_what_is_no_json_of_a_message_is_refused(text: bytes, said: str) -> None:
    error = refused(text)
    assert error.reason == "REQUEST_MALFORMED"
    assert said in error.message


def test_names_and_strings_are_told_apart() -> None:
    text = b'{"text" : "\\":\\\\", "object":{":":"::" , "\\":\\\\":{"":":"}},\n"raw"\n:""}'
    assert READ(text)


def test_too_many_elements_are_refused_before_any_is_made() -> None:
    error = refused(b"[" * (MAX_ELEMENTS + 1))
    assert (error.reason, error.metadata) == ("TOO_MANY_ELEMENTS", {"limit": str(MAX_ELEMENTS)})


def test_a_long_name_is_cut_in_the_error() -> None:
    error = refused(json.dumps({"x" * 100_000: 1}))
    assert len(error.message) < 200
