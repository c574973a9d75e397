"""Every fault of a schema is found, at once, and at its place."""

import re
from functools import cache
from pathlib import Path

import pytest

from gateway.schema.faults import Fault, SchemaError, suggestion
from gateway.schema.read import read_schema
from gateway.schema.sources import compile_protos, load_descriptor_set

FAULTY = Path(__file__).parent / "faulty"


@cache
def found() -> tuple[Fault, ...]:
    """Read all faulty files as one schema."""
    with pytest.raises(SchemaError) as caught:
        read_schema(compile_protos(FAULTY))
    return caught.value.faults


def expected(file: str) -> list[tuple[int, str]]:
    """Return what the file's own comments say is wrong: `// ! wrong ! wrong`, by line."""
    lines = (FAULTY / file).read_text().splitlines()
    marked = ((number, line.partition("// ! ")[2]) for number, line in enumerate(lines, 1))
    return sorted((number, text.strip()) for number, texts in marked if texts for text in texts.split(" ! "))


@pytest.mark.parametrize("file", sorted(path.name for path in FAULTY.glob("*.proto")))
def test_each_fault_is_found_at_its_line(file: str) -> None:
    faults = sorted((fault.line, fault.wrong) for fault in found() if fault.file == file)
    matched = [
        (line, next((text for at, text in expected(file) if at == line and text in wrong), wrong))
        for line, wrong in faults
    ]
    assert sorted(matched) == expected(file)
