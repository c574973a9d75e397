"""A client of REST that works from google.api.http alone, as google/api/http.proto tells clients to."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from google.api.http_pb2 import HttpRule
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from jsonschema import Draft202012Validator

from tests.harness.http import Answer

_VARIABLE = re.compile(r"\{([^=}]*)(?:=([^}]*))?\}")
Asked = tuple[str, str, bytes | None]
"""An HTTP method, a path with its query, and a body."""


def asked(rule: HttpRule, request: Message) -> Asked:
    """Return the HTTP request that a route makes of a message."""
    plain = MessageToDict(request, preserving_proto_field_name=True)
    verb = rule.WhichOneof("pattern")
    template = getattr(rule, verb)

    def expanded(match: re.Match[str]) -> str:
        several = "/" in (match[2] or "") or "**" in (match[2] or "")
        return quote(_taken(plain, match[1].split(".")), safe="/" if several else "")

    path = _VARIABLE.sub(expanded, template)
    body: Any = None
    if rule.body == "*":
        body, plain = plain, {}
    elif rule.body:
        body = plain.pop(rule.body, {})
    query = urlencode(list(_parameters(plain)))
    sent = None if body is None else json.dumps(body).encode()
    return verb.upper(), f"{path}?{query}" if query else path, sent


def _taken(plain: dict[str, Any], steps: list[str]) -> str:
    """Take a field out of a message's JSON."""
    for step in steps[:-1]:
        plain = plain.get(step, {})
    return _text(plain.pop(steps[-1], ""))


def _parameters(plain: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in plain.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                yield from _parameters(one, f"{prefix}{name}.")
            else:
                yield prefix + name, _text(one)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def check_by_document(document: Any, method: str, path: str, answer: Answer) -> None:
    """Check that a document has an operation for a request, whose schema the answer fits."""
    operation = _operation(document, method, path.partition("?")[0])
    response = operation["responses"].get(str(answer.status)) or document["components"]["responses"]["Error"]
    schema = response["content"][answer.headers["content-type"]]["schema"]
    Draft202012Validator({**schema, "components": document["components"]}).validate(json.loads(answer.body))


def _operation(document: Any, method: str, path: str) -> Any:
    """Return the operation of a path: that with the most literal segments, where several fit."""
    fitting = [
        (template.count("{"), operations[method.lower()])
        for template, operations in document["paths"].items()
        if method.lower() in operations and _pattern(template).fullmatch(path)
    ]
    assert fitting, (method, path)
    return min(fitting, key=lambda found: found[0])[1]


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile("[^/]*".join(map(re.escape, re.split(r"\{[^}]*\}", template))))
