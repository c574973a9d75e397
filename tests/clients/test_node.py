"""Clients that Rowgate's users write, in other languages, over each transport."""

import asyncio
import json
import os
import shutil
from asyncio.subprocess import PIPE, create_subprocess_exec
from pathlib import Path

import grpc
import pytest

from gateway.schema.protos.sources import import_folders
from tests.conftest import gateways
from tests.harness.databases import Databases
from tests.harness.gateway import SCHEMAS
from tests.harness.sample import ROOT
from tests.harness.transports import TRANSPORTS
from tests.soak.nodes import ROWS, SEED

PROGRAM = Path(__file__).parent / "node.cjs"
MODULES = ROOT / ".tools" / "node" / "node_modules"


@pytest.fixture
def node() -> str:
    """Return Node's path; skip the test without it, or without the modules."""
    path = shutil.which("node")
    if path is None or not shutil.which("npm"):
        pytest.skip("there is no Node here")
    if not MODULES.exists():
        pytest.skip("grpc-js isn't installed: `make test-tools` does it")
    return path


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_grpc_js(node: str, transport: str, databases: Databases) -> None:
    async with gateways(databases, transport=transport) as start:
        gateway = await start("adversarial")
        await gateway.sql(SEED, ROWS)
        program = await create_subprocess_exec(
            *(node, str(PROGRAM), gateway.target, str(SCHEMAS / "adversarial"), *map(str, import_folders())),
            env={**os.environ, "NODE_PATH": str(MODULES)},
            stdout=PIPE,
        )
        async with asyncio.timeout(60):
            printed, _ = await program.communicate()
    found = json.loads(printed)
    made = found["made"]
    assert (made["position"], made["color"], made["label"], made["upper_label"]) == (
        1,
        "COLOR_RED",
        "ünï",
        "ÜNÏ",
    )
    assert found["got"] == made
    assert found["zipped"] == 1_000_000
    assert found["missing"]["code"] == grpc.StatusCode.NOT_FOUND.value[0]
    assert found["missing"]["details"] == 1
    assert found["refused"]["code"] == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert "colour" in found["refused"]["text"]
    assert found["listed"] == [-ROWS]
    assert found["unimplemented"] == grpc.StatusCode.UNIMPLEMENTED.value[0]
    assert found["streamed"] == {"rows": ROWS + 2, "code": 0}
    assert found["stopped"]["code"] == grpc.StatusCode.CANCELLED.value[0]
    assert found["late"] == grpc.StatusCode.DEADLINE_EXCEEDED.value[0]
