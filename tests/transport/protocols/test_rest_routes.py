"""Paths are matched and decoded as google/api/http.proto says: the tree of routes beside a slow oracle."""

import re
from collections.abc import Sequence
from urllib.parse import quote, unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.schema.routes import PathTemplate, parse_template
from gateway.transport.protocols.rest.router import Router, variable_text

WORDS = ("a", "b", "v1")
VERBS = ("", "", "a", "go")


def template(text: str) -> PathTemplate:
    """Return the template, which has to be one."""
    found = parse_template(text)
    assert found is not None, text
    return found


def routed(*texts: str) -> Router[str]:
    """Return a router of GETs to templates, which lead to their own text."""
    router: Router[str] = Router()
    for text in texts:
        router.add("GET", template(text), text)
    return router


@st.composite
def templates(draw: st.DrawFn) -> str:
    """Make templates of few words, so that they meet."""
    segments = draw(st.lists(st.sampled_from((*WORDS, "*", "{x}", "{x=a/*}")), min_size=1, max_size=4))
    segments += draw(st.sampled_from(([], [], ["**"], ["{y=**}"], ["{y=b/**}"])))
    text = "/" + "/".join(segments)
    text = text if text.count("{x") <= 1 else re.sub(r"\{x[^}]*\}", "*", text)
    verb = draw(st.sampled_from(VERBS))
    return f"{text}:{verb}" if verb else text


paths = st.lists(
    st.sampled_from((*WORDS, "c", "", "a:go", "b:a", "c%3Ago", "%61", "a:", ":go")), max_size=6
).map(lambda segments: "/" + "/".join(segments))


def fits(found: PathTemplate, path: str) -> bool:
    """Return whether a template has a path, segment by segment."""
    parts, verb = path.split("/")[1:], found.verb
    if verb:
        if not parts[-1].endswith(f":{verb}"):
            return False
        parts[-1] = parts[-1].removesuffix(f":{verb}")
    many = found.segments[-1] == "**"
    wanted = found.segments[:-1] if many else found.segments
    if len(parts) < len(wanted) or (len(parts) > len(wanted) and not many):
        return False
    return all(
        (one == "*" and part != "") or unquote(part) == one for one, part in zip(wanted, parts, strict=False)
    )


def rank(found: PathTemplate) -> tuple[object, ...]:
    """Return what sorts the templates that fit a path: verbs first, then literals from the left."""
    kinds = {"*": 1, "**": 3}
    return (not found.verb, [*(kinds.get(one, 0) for one in found.segments), 2])


@given(st.lists(templates(), min_size=1, max_size=8), paths, paths)
@example(["/a/*:go", "/a/**"], "/a/b:go", "/")
@example(["/*/b/a", "/a/{x}"], "/a/b/a", "/a/b/c")
@example(["/a/b", "/{x}/b"], "/%61/b", "/%61/c")
@example(["/a/{x}", "/a/b"], "/a/b", "/a/c")
def test_the_most_specific_template_is_found(texts: Sequence[str], path: str, before: str) -> None:
    """Whatever was looked for before: what leads from the same prefix is remembered."""
    router = routed(*texts)
    router.find("GET", before)
    found = router.find("GET", path)
    fitting = [one for one in map(template, texts) if fits(one, path)]
    if not fitting:
        assert found is None
        return
    assert found is not None
    assert template(found[0]).shape == min(fitting, key=rank).shape


@given(st.text(), st.text())
def test_a_key_comes_back_as_it_was_encoded(one: str, other: str) -> None:
    """Whatever is in a key: slashes, colons, percents, dots, letters of any script."""
    router = routed("/v1/{a}/x/{b}:go")
    path = f"/v1/{quote(one, safe='')}/x/{quote(other, safe='')}:go"
    found = router.find("GET", path)
    if not one or not other:
        assert found is None
        return
    assert found is not None
    variables = template(found[0]).variables
    assert [variable_text(variable, found[1], many=False) for variable in variables] == [one, other]


@pytest.mark.parametrize(
    ("text", "path", "held"),
    [
        ("/v1/{name=shelves/*}", "/v1/shelves/a%2Fb", "shelves/a%2Fb"),
        (
            "/v1/{name=shelves/*/books/*}:read",
            "/v1/shelves/a%20b/books/c%2f%3A:read",
            "shelves/a b/books/c%2f:",
        ),
        ("/v1/{name=**}", "/v1/a/%25b//c%2Fd/", "a/%b//c%2Fd/"),
        ("/v1/{name=**}", "/v1", ""),
        ("/v1/{name=shelves/**}:x", "/v1/shelves:x", "shelves"),
        ("/v1/{name}", "/v1/..", ".."),
        ("/v1/{name}", "/v1/%2e%2E%2F", "../"),
        ("/v1/{name}", "/v1/%zz%4", "%zz%4"),
        ("/v1/{name}", "/v1/a:b", "a:b"),
    ],
)
def test_a_variable_is_decoded_as_the_annotation_says(text: str, path: str, held: str) -> None:
    found = routed(text).find("GET", path)
    assert found is not None
    (variable,) = template(text).variables
    assert variable_text(variable, found[1], many="**" in text) == held


def test_a_colon_begins_a_verb_where_a_route_has_it() -> None:
    router = routed("/v1/{a}", "/v1/{a}:go")
    assert [router.find("GET", f"/v1/{key}") for key in ("x:go", "x%3Ago", "x:stay", ":go")] == [
        ("/v1/{a}:go", ["", "v1", "x"]),
        ("/v1/{a}", ["", "v1", "x%3Ago"]),
        ("/v1/{a}", ["", "v1", "x:stay"]),
        ("/v1/{a}", ["", "v1", ":go"]),
    ]


def test_a_route_that_is_added_later_is_found() -> None:
    router = routed("/v1/**")
    assert router.find("GET", "/v1/x") == ("/v1/**", ["", "v1", "x"])
    router.add("GET", template("/v1/{a}"), "later")
    assert router.find("GET", "/v1/x") == ("later", ["", "v1", "x"])
    assert router.find("GET", "*") is None


def test_methods_are_told_apart() -> None:
    router: Router[str] = Router()
    for method, target in (("GET", "get"), ("PURGE", "purge"), ("*", "any")):
        router.add(method, template("/v1/{a}" if target != "any" else "/v1/x"), target)
    assert [(router.find(one, "/v1/x") or "")[0] for one in ("GET", "PURGE", "LOCK")] == [
        "get",
        "purge",
        "any",
    ]
    assert router.find("get", "/v1/y") is None
    assert sorted(router.methods("/v1/y")) == ["GET", "PURGE"]


@pytest.mark.parametrize(
    "text", ["", "/", "v1", "/v1/", "/v1//a", "/{a", "/{a=}", "/{a.}", "/a?b", "/a:b:c", "/{a={b}}"]
)
def test_what_is_no_template_is_refused(text: str) -> None:
    assert parse_template(text) is None


def test_a_path_of_any_length_is_searched_no_deeper_than_the_routes() -> None:
    router = routed("/".join(("", *("a",) * 40)), "/".join(("", *("*",) * 40)))
    assert router.find("GET", "/a" * 41) is None
    assert router.find("GET", "/" * 100_000) is None
