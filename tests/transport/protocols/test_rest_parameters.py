"""Parameters of a URL are read as protobuf's json_format reads the same values, and refused by name."""

from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import urlencode

import pytest
from google.protobuf.json_format import Error, MessageToDict
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidArgument
from gateway.schema.protojson.errors import JsonError
from gateway.schema.routes import Route, parse_template
from gateway.transport.protocols.rest.binding import Binding
from gateway.transport.protocols.rest.parameters import Parameters, Tree
from gateway.transport.protocols.rest.query import MAX_PARAMETERS, query_pairs
from tests.harness.gateway import schema_of
from tests.schema.messages import messages

METHODS = {
    method.descriptor.name: method
    for service in schema_of("routed").services.values()
    for method in service.methods
}


@cache
def binding(method: str, path: str = "/v1/x", body: str = "", verb: str = "GET") -> Binding:
    """Return a route of one of the methods."""
    template = parse_template(path)
    assert template is not None
    return Binding(METHODS[method], Route(verb, template, body))


def bound(one: Binding, query: str = "", body: bytes = b"", path: str = "") -> Message:
    """Return the request that a query and a body make."""
    made: Any = GetMessageClass(one.method.descriptor.input_type)
    request: Message = made.FromString(one.request(path.split("/"), query_pairs(query), body))
    return request


def refused(one: Binding, query: str = "", body: bytes = b"", path: str = "") -> dict[str, str]:
    """Return what is wrong with a query, by parameter."""
    with pytest.raises(InvalidArgument) as caught:
        bound(one, query, body, path)
    assert caught.value.violations
    return {found.field: found.description for found in caught.value.violations}


def leaves(plain: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield the parameters that stand for a message's JSON."""
    for name, value in plain.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                yield from leaves(one, f"{prefix}{name}.")
            else:
                yield prefix + name, str(one).lower() if isinstance(one, bool) else str(one)


def jsonable(message: Message, *, proto_names: bool) -> dict[str, Any] | None:
    """Return a message's JSON; None where it has none."""
    try:
        plain: dict[str, Any] = MessageToDict(message, preserving_proto_field_name=proto_names)
    except (Error, ValueError):
        return None
    return plain


requests = st.deferred(lambda: messages(METHODS["ListParts"].descriptor.input_type, 2))


@given(requests, st.booleans())
def test_a_request_comes_back_from_its_parameters(request: Message, proto_names: bool) -> None:  # noqa: FBT001
    request.ClearField("read_mask")
    plain = jsonable(request, proto_names=proto_names)
    if plain is None:
        return
    read = bound(binding("ListParts"), urlencode(list(leaves(plain))))
    assert MessageToDict(read) == MessageToDict(request)


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("title,madeAt", ["title", "made_at"]),
        ("made_at", ["made_at"]),
        ("labels.`A,b`,note", ["labels.`A,b`", "note"]),
        ("", []),
        ("*", ["*"]),
        (",,a,", ["a"]),
        ("`", ["`"]),
    ],
)
def test_a_mask_has_names_of_protos_or_of_json(text: str, paths: list[str]) -> None:
    request: Any = bound(binding("GetPart"), urlencode({"readMask": text}))
    assert list(request.read_mask.paths) == paths


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("amount=x", {"amount": "is no whole number"}),
        ("amount=2147483648", {"amount": "is not within -2147483648 and 2147483647"}),
        ("serial=-1", {"serial": "is not within 0 and 18446744073709551615"}),
        ("weight=1e999", {"weight": "is no number"}),
        ("spare=1", {"spare": "is neither true nor false"}),
        ("stamp=%25", {"stamp": "is no base64"}),
        ("kind=KIND_BOLTS", {"kind": "is no value of routed.v1.Kind"}),
        ("madeAt=2020", {"madeAt": "is no time with a zone, as 2024-05-01T12:30:00Z (RFC 3339)"}),
        (
            "made_at.seconds=1",
            {"made_at.seconds": '"made_at" holds a single value: give it without what is below'},
        ),
        ("life=5", {"life": "is no count of seconds, as 1.5s"}),
        ("note=%FF", {"note": "is no UTF-8"}),
        ("%FF=1", {"?": "is no UTF-8"}),
        ("amount=1&amount=2", {"amount": "is given twice, and holds one value"}),
        (
            "amuont=1&nothing.like.it=&pageSize=x",
            {
                "amuont": 'routed.v1.ListPartsRequest has no such field; did you mean "amount"?',
                "nothing.like.it": "routed.v1.ListPartsRequest has no such field",
                "pageSize": "is no whole number",
            },
        ),
    ],
)
def test_what_is_wrong_is_told_by_parameter(query: str, wrong: dict[str, str]) -> None:
    assert refused(binding("ListParts"), query) == wrong


def test_parameters_of_parts_are_found_below_their_field() -> None:
    create = binding("CreatePart")
    request: Any = bound(create, "part.maker.address.city=%C3%BC+b&part.tags=x&part.tags=y&part.maker.name=")
    assert (request.part.maker.address.city, list(request.part.tags)) == ("ü b", ["x", "y"])
    assert request.part.maker.name == ""
    assert refused(create, "part=1&part.maker=1&part.labels=1&part.labels.a=1&part.tags.a=1") == {
        "part": "holds a message: give its fields, such as part.name",
        "part.maker": "holds a message: give its fields, such as maker.name",
        "part.labels": "holds several messages: it can't be a parameter",
        "part.labels.a": "holds several messages: it can't be a parameter",
        "part.tags.a": '"tags" holds a single value: give it without what is below',
    }


def test_what_path_or_body_binds_is_no_parameter() -> None:
    update = binding("UpdatePart", "/v1/{part.name}", "part", "PATCH")
    assert refused(update, "part.name=b&part.note=c&allowMissing=true&updateMask=note", b"{}", "/v1/a") == {
        "part.name": "is bound by the path already",
        "part.note": "is a part of the body",
    }
    whole = binding("UpdatePart", "/v1/x", "*", "PATCH")
    told = "comes in the body, as all fields do that the path doesn't bind"
    assert refused(whole, "allowMissing=true") == {"allowMissing": told}


def test_the_body_may_repeat_what_the_path_says_and_nothing_else() -> None:
    update = binding("UpdatePart", "/v1/{part.name}", "part", "PATCH")
    request: Any = bound(update, "", b'{"name": "a", "amount": 1}', "/v1/a")
    assert (request.part.name, request.part.amount) == ("a", 1)
    wrong = {"part.name": "is another value than the path's: leave it out of the body"}
    assert refused(update, "", b'{"name": "b"}', "/v1/a") == wrong


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        (
            b'{"note": "", "made_at": null, "tags": [], "maker": {"name": ""}}',
            ["note", "made_at", "tags", "maker"],
        ),
        (b'{"madeAt": "2020-01-01T00:00:00Z", "amount": 0}', ["made_at", "amount"]),
        (b"{}", []),
        (b"", []),
    ],
)
def test_a_patch_updates_what_its_body_holds(body: bytes, paths: list[str]) -> None:
    part: Any = bound(binding("UpdatePart", "/v1/{part.name}", "part", "PATCH"), "", body, "/v1/a")
    assert sorted(part.update_mask.paths) == sorted(paths)
    inner = b'{"part": %s, "allowMissing": true}' % (body or b"{}")
    whole: Any = bound(binding("UpdatePart", "/v1/x", "*", "PATCH"), "", inner)
    assert sorted(whole.update_mask.paths) == sorted(paths)


def test_a_mask_that_is_given_stays() -> None:
    part = binding("UpdatePart", "/v1/{part.name}", "part", "PATCH")
    request: Any = bound(part, "updateMask=note", b'{"amount": 1}', "/v1/a")
    assert list(request.update_mask.paths) == ["note"]
    whole: Any = bound(
        binding("UpdatePart", "/v1/x", "*", "PATCH"), "", b'{"part": {"amount": 1}, "updateMask": "note"}'
    )
    assert list(whole.update_mask.paths) == ["note"]
    put: Any = bound(binding("UpdatePart", "/v1/{part.name}", "part", "PUT"), "", b'{"amount": 1}', "/v1/a")
    assert not put.HasField("update_mask")


def test_the_body_of_a_field_is_that_field_alone() -> None:
    bulk = binding("BulkUpsertParts", "/v1/x", "parts", "POST")
    request: Any = bound(bulk, "onConflict=ON_CONFLICT_IGNORE", b'[{"name": "a"}, {"name": "b"}]')
    assert [part.name for part in request.parts] == ["a", "b"]
    with pytest.raises(InvalidArgument, match="the body is no JSON"):
        bound(bulk, "", b'[], "conflictTarget": ["name"]')
    assert refused(bulk, "", b'[{"nam": "a"}]') == {
        "parts[0].nam": 'is no field of routed.v1.Part; did you mean "name"?'
    }
    create = binding("CreatePart", "/v1/x", "part", "POST")
    assert list(refused(create, "", b'{"maker": {"nam": "a"}}')) == ["part.maker.nam"]
    with pytest.raises(InvalidArgument, match="takes no body"):
        bound(binding("GetPart"), "", b"{}")


def test_parameters_are_bounded() -> None:
    many = "&".join(["filter=x"] * (MAX_PARAMETERS + 1))
    with pytest.raises(InvalidArgument) as caught:
        bound(binding("ListParts"), many)
    assert caught.value.reason == "TOO_MANY_PARAMETERS"
    wrong = refused(binding("ListParts"), "&".join(f"x{number}=1" for number in range(MAX_PARAMETERS)))
    assert len(wrong) == 10
    deep = ".".join(["part"] * 5000)
    assert refused(binding("CreatePart"), f"{deep}=1")
    for _ in range(3):
        assert refused(binding("ListParts"), "&".join(f"{'n' * 5000}{number}=1" for number in range(3)))


def test_what_is_asked_of_relations_is_json() -> None:
    request = schema_of("kin").services["kin.v1.TownService"].methods[0].descriptor.input_type
    parameter = Parameters(request).find("relations")
    tree: Tree = {}
    parameter.put('{"path": "elders", "orderBy": "name", "limit": 2}', tree)
    parameter.put('{"path": "region", "filter": "code = 1"}', tree)
    made: Any = GetMessageClass(request)(**tree)
    asked = [(one.path, one.order_by, one.filter, one.limit) for one in made.relations]
    assert asked == [("elders", "name", "", 2), ("region", "", "code = 1", 0)]
    for wrong, told in (("elders", "is no JSON"), ('{"pth": ""}', "is no field of"), ("[]", "object")):
        with pytest.raises(JsonError, match=told):
            parameter.put(wrong, {})
    with pytest.raises(JsonError, match="holds several messages"):
        Parameters(request).find("relations.path")
