"""Every filter of docs/filters.md's first table, and of its functions, is one of the sample's flights."""

import re
from pathlib import Path

from gateway.request.filter import parse_filter
from gateway.schema.protos.sources import compile_protos
from gateway.schema.read import read_schema

ROOT = Path(__file__).parent.parent.parent


def test_the_documented_filters_are_filters() -> None:
    flight = read_schema(compile_protos(ROOT / "protos")).resources["flights.v1.Flight"]
    text = (ROOT / "docs" / "filters.md").read_text()
    page = text.split("## Values")[0] + text.split("## Functions")[1].split("## Messages")[0]
    examples = [
        text
        for line in page.splitlines()
        if line.startswith("| `")
        for text in re.findall("`(.+?)`", line.split(" | ")[0])
    ]
    assert len(examples) > 26
    for text in examples:
        assert parse_filter(text, flight).shape is not None
