"""Functions of filters in rules of rows: they hold for each method, or are refused at the start."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.policy.schema_rules import row_rules
from gateway.schema.diagnostics import SchemaError
from tests.harness.callers import Caller, clients_of, write_keys
from tests.harness.client import Client, RpcFailed
from tests.harness.gateway import RunningGateway, schema_of
from tests.policy.test_quotes import with_rule

POSTS = "posted.v1.PostService"
NOW = datetime.now(UTC)
SOON, YESTERDAY, LONG_AGO = NOW + timedelta(days=1), NOW - timedelta(days=1), NOW - timedelta(days=8)
# number, author, title, published_at
STORED = (
    (1, "ann", "own", None),
    (2, "bob", "Néws of today", YESTERDAY),
    (3, "bob", "news of tomorrow", SOON),
    (4, "bob", "NEWS", LONG_AGO),
    (5, "bob", "ABC", YESTERDAY),
    (6, "bob", "ABCD", YESTERDAY),
    (7, "bob", "open", YESTERDAY),
    (8, "bob", "open", None),
    (9, "bob", "ABC", SOON),
)
OF_ANN = {1, 2, 5, 7}


@pytest.fixture
async def served(
    gateway_for: Callable[..., Awaitable[RunningGateway]], tmp_path: Path
) -> AsyncIterator[Mapping[str, Client]]:
    path = tmp_path / "keys.json"
    keys = write_keys(path, (Caller("ann"), Caller("bob")))
    gateway = await gateway_for("posted", auth_providers="api_key", auth_api_keys=path)
    for row in STORED:
        await gateway.sql("INSERT INTO post (id, author, title, published_at) VALUES ($1, $2, $3, $4)", *row)
    async with clients_of(gateway, "posted", keys) as clients:
        yield clients


async def refused(client: Client, method: str, **fields: object) -> str:
    with pytest.raises(RpcFailed) as failed:
        await client.call(f"{POSTS}/{method}", **fields)
    return failed.value.reason


async def test_reads(served: Mapping[str, Client]) -> None:
    page = await served["ann"].call(f"{POSTS}/ListPosts")
    assert {post.id for post in page.posts} == OF_ANN
    for number, *_ in STORED:
        if number in OF_ANN:
            assert (await served["ann"].call(f"{POSTS}/GetPost", id=number)).id == number
        else:
            assert await refused(served["ann"], "GetPost", id=number) == "ROW_NOT_FOUND"
    page = await served["ann"].call(f"{POSTS}/ListPosts", filter='matches(title, "^[aA]") OR fold(title):of')
    assert {post.id for post in page.posts} == {2, 5}
    assert len((await served["bob"].call(f"{POSTS}/ListPosts")).posts) == len(STORED) - 1


async def test_writes(served: Mapping[str, Client]) -> None:
    ann, bob = served["ann"], served["bob"]
    await ann.call(f"{POSTS}/CreatePost", post={"id": 20, "author": "ann", "title": "short"})
    for title in ("x" * 21, "ann"):
        post = {"id": 21, "author": "ann", "title": title}
        assert await refused(ann, "CreatePost", post=post) == "ROW_NOT_ALLOWED"
    await bob.call(f"{POSTS}/UpdatePost", post={"id": 3, "title": "changed"}, updateMask="title")
    for number in (2, 8):
        change = {"id": number, "title": "changed"}
        assert await refused(bob, "UpdatePost", post=change, updateMask="title") == "ROW_NOT_ALLOWED"


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("lower(owner) = principal.id", "lower(…) can't be compared with the caller"),
        ("startsWith(title, principal.id)", "the caller's values stand beside a comparator"),
        ("principal.claims.until > now()", "expected a value"),
        ("lower(principal.id) = 'ann'", 'there is no function "lower"'),
        ("owner = field(ownr)", 'did you mean "owner"?'),
        ("lower(owner) = ann", 'expected quotes around a text, as "ann"'),
        ('title.matches("(a")', 'a "(" without its ")"'),
        ("title = 'a' AND deleted_at > ago(x)", '"x" is no span of time'),
    ],
)
def test_what_rules_cannot_have_is_refused_at_the_start(rule: str, said: str) -> None:
    with pytest.raises(SchemaError) as wrong:
        row_rules(with_rule(schema_of("shared"), "shared.v1.Note", rule))
    assert said in str(wrong.value)


def test_a_list_may_hold_the_caller() -> None:
    rules = row_rules(with_rule(schema_of("shared"), "shared.v1.Note", "owner IN ('all', principal.id)"))
    assert len(rules["shared.v1.Note"].read.callers) == 1
