"""Texts in rules of rows stand in quotes: a misspelt name is refused at the start, and asks for no text."""

from dataclasses import replace

import pytest

from gateway.policy.schema_rules import row_rules
from gateway.schema.diagnostics import SchemaError
from gateway.schema.model import Schema
from tests.harness.gateway import schema_of


def with_rule(schema: Schema, message: str, rule: str) -> Schema:
    """Return a schema whose rows of a message are read by a rule."""
    resource = schema.resources[message]
    assert resource.policy is not None
    changed = replace(resource, policy=replace(resource.policy, read=rule))
    return replace(schema, resources={**schema.resources, message: changed})


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (
            "owner != pricipal.claims.boss",
            'expected quotes around a text, as "pricipal.claims.boss"; did you mean "principal"?',
        ),
        ("owner = claims.sub", 'expected quotes around a text, as "claims.sub"'),
        ("principal.id = owner", "owner is a field: it stands on the left"),
        ("owner = title", "title is a field"),
        ("owner = ann OR public = true", 'expected quotes around a text, as "ann"'),
        ("public = true AND (owner = (ann OR eve))", 'expected quotes around a text, as "ann"'),
        ("NOT owner = -bob", "expected quotes around a text"),
        ("owner.startsWith(an)", 'expected quotes around a text, as "an"'),
        ("principal.roles:auditor", 'expected quotes around a text, as "auditor"'),
    ],
)
def test_a_text_without_quotes_is_refused(rule: str, said: str) -> None:
    with pytest.raises(SchemaError) as refused:
        row_rules(with_rule(schema_of("shared"), "shared.v1.Note", rule))
    assert "shared.v1.Note, policy.read" in str(refused.value)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("schema", "message", "rule"),
    [
        ("shared", "shared.v1.Note", 'owner = "ann" OR public = true OR id > -3'),
        ("shared", "shared.v1.Note", "owner != principal.claims.boss AND NOT id = null"),
        ("shared", "shared.v1.Note", 'startsWith(owner, "a") AND title.endsWith("b")'),
        ("archive", "archive.v1.Dossier", "state != STATE_SEALED AND state = (STATE_OPEN OR STATE_SEALED)"),
    ],
)
def test_names_numbers_and_enums_need_none(schema: str, message: str, rule: str) -> None:
    found = row_rules(with_rule(schema_of(schema), message, rule))
    assert found[message].read.shape is not None
