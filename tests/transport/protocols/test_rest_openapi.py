"""A linter finds nothing wrong with OpenAPI documents, and JSON of messages fits their schemas."""

import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from gateway.errors import DataLoss
from gateway.schema.protojson.form import JsonForm
from gateway.schema.protos.elements import read_elements
from gateway.schema.protos.sources import compile_protos
from gateway.schema.read import read_schema
from gateway.transport.protocols.rest.openapi.document import openapi_document
from gateway.transport.protocols.rest.openapi.schemas import Schemas
from tests.harness.gateway import descriptors_of, schema_of
from tests.harness.sample import ROOT
from tests.schema.messages import messages
from tests.transport.json.pools import NAMES, kinds

REDOCLY = ROOT / ".tools" / "node" / "node_modules" / ".bin" / "redocly"
UNNAMED = 99
RULES = Path(__file__).parent / "redocly.yaml"


@cache
def document(name: str, *, proto_names: bool = False) -> Any:
    """Return the document of a schema of tests/schemas, or of the sample."""
    files = compile_protos(ROOT / "protos") if name == "sample" else descriptors_of(name)
    schema = read_schema(files) if name == "sample" else schema_of(name)
    methods = [method for service in schema.services.values() for method in service.methods]
    return json.loads(openapi_document(methods, files, proto_names=proto_names))


def test_a_linter_finds_nothing_wrong(tmp_path: Path) -> None:
    if not shutil.which("node") or not REDOCLY.exists():
        pytest.skip("Redocly's linter isn't installed: `make test-tools` does it where Node is")
    paths = [tmp_path / f"{name}.json" for name in ("sample", "books", "queries", "routed", "types")]
    for path in paths:
        path.write_text(json.dumps(document(path.stem)))
    linted = subprocess.run(
        [REDOCLY, "lint", f"--config={RULES}", "--format=json", *paths],
        capture_output=True,
        check=False,
        env={**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"},
        timeout=60,
    )
    found = json.loads(b"[%s]" % linted.stdout.replace(b"}{", b"},{"))
    assert [one["problems"] for one in found] == [[] for _ in paths]
    assert linted.returncode == 0


def test_a_document_has_every_route_with_its_parameters_and_comments() -> None:
    paths = document("routed")["paths"]
    update = paths["/v1/parts/{name}"]["patch"]
    assert update["operationId"] == "PartService_UpdatePart"
    assert [(one["in"], one["name"]) for one in update["parameters"]] == [
        ("path", "name"),
        ("query", "updateMask"),
        ("query", "allowMissing"),
    ]
    assert update["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/routed.v1.Part"
    }
    get = paths["/v1/parts/{name}"]["get"]
    assert get["description"] == "One part by its name."
    assert get["parameters"][0]["description"] == "The part's name."
    count = paths["/v1/parts:number"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert count["type"] == "string"
    assert paths["/v1/anywhere/{name}"]["get"]["parameters"][0]["description"].endswith(
        "It may hold slashes."
    )
    stream = paths["/v1/parts:stream"]["get"]["responses"]["200"]["content"]
    assert list(stream) == ["application/json", "application/x-ndjson", "text/event-stream"]
    assert list(paths["/v1/parts:ingest"]["post"]["requestBody"]["content"]) == ["application/x-ndjson"]
    part = document("routed")["components"]["schemas"]["routed.v1.Part"]
    assert part["properties"]["madeAt"] == {"type": "string", "format": "date-time"}
    assert part["properties"]["maker"]["description"] == "Who made it; stored as a document."


def test_names_are_those_of_the_protos_where_json_has_them() -> None:
    found = document("routed", proto_names=True)
    assert "made_at" in found["components"]["schemas"]["routed.v1.Part"]["properties"]
    names = [one["name"] for one in found["paths"]["/v1/parts"]["get"]["parameters"]]
    assert "page_size" in names


@cache
def validator(kind: Descriptor, name: str, *, proto_names: bool) -> Any:
    """Return what checks JSON of a message by its schema."""
    files = descriptors_of(name) if name != "edge" else None
    schemas = Schemas(read_elements(files) if files else {}, proto_names=proto_names)
    schema = schemas.message(kind)
    return Draft202012Validator({**schema, "components": {"schemas": schemas.components()}})


@given(st.data(), st.sampled_from(NAMES), st.booleans())
@settings(max_examples=50, suppress_health_check=list(HealthCheck), deadline=None)
def test_json_of_a_message_fits_its_schema(data: st.DataObject, name: str, proto_names: bool) -> None:  # noqa: FBT001
    kind = data.draw(st.sampled_from(kinds(name)))
    try:
        message = data.draw(messages(kind, 2))
        written = JsonForm(kind, proto_names=proto_names).of_message(message)
    except (ValueError, DataLoss):  # a closed enum has no other numbers, and not every message has JSON
        return
    found = validator(kind, name, proto_names=proto_names).iter_errors(json.loads(written))
    # Of enums the strategy makes one number that has no name, which is none that is stored.
    assert not [one for one in found if not (one.instance == UNNAMED and "enum" in one.schema)]
