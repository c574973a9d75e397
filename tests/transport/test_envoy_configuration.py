"""The configuration that Envoy is given: Envoy itself finds it right, whatever the settings are."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gateway.config.address import Address
from gateway.config.load import settings_of
from gateway.transport.envoy.bootstrap import Hosting, bootstrap
from gateway.transport.envoy.installed import find_installed
from tests.harness.certificates import Certificate
from tests.harness.gateway import descriptors_of

APPLICATION = "tests.transport.validated:application"
LISTEN = (Address("127.0.0.1", 50099), Address("::1", 50099), Address("/tmp/rowgate-validated.sock", None))  # noqa: S108 - never made
SETTINGS: tuple[dict[str, Any], ...] = (
    {},
    {"edge_grpc_web": False, "edge_connect": False, "edge_rest": False},
    {"edge_grpc_web": False},
    {"edge_connect": False},
    {"edge_rest": False},
    {"edge_allowed_origins": "https://a.example,http://localhost:8080,http://[::1]:3000"},
    {"edge_allowed_origins": "*", "edge_json_proto_names": True, "edge_json_defaults": True},
    {"edge_allowed_origins": "https://a.example", "edge_rest": False, "edge_grpc_web": False},
    {"max_request_bytes": 1024, "max_response_bytes": 1024, "max_metadata_bytes": 1024},
    {"max_request_bytes": 1024**3, "max_response_bytes": 1024**3, "max_metadata_bytes": 1024**2},
    {"max_connection_age": 0.5, "keepalive_interval": 0.25, "max_connections": 1, "max_streams": 1},
)


def configuration(schema: str, **settings: Any) -> dict[str, Any]:
    """Return what Envoy would be given."""
    hosting = Hosting(APPLICATION, find_installed().module, "admin.sock", LISTEN, descriptors_of(schema))
    return bootstrap(hosting, settings_of(**settings))


def validate(config: dict[str, Any], folder: Path) -> None:
    """Have Envoy look at it; raises AssertionError with what it says."""
    installed = find_installed()
    (folder / "envoy.json").write_text(json.dumps(config))
    command = [str(installed.envoy), "--mode", "validate", "--config-path", "envoy.json"]
    environ = {**os.environ, **installed.environment}
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr[:1000]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("schema", ["books", "ledger"])
def test_envoy_takes_it(schema: str, settings: dict[str, Any], tmp_path: Path) -> None:
    validate(configuration(schema, **settings), tmp_path)


def test_envoy_takes_tls(tmp_path: Path) -> None:
    one = Certificate(tmp_path, "one")
    files = {"tls_cert": one.cert_path, "tls_key": one.key_path, "tls_client_ca": one.cert_path}
    validate(configuration("books", **files), tmp_path)


def manager(config: dict[str, Any]) -> dict[str, Any]:
    """Return the part that treats requests."""
    (listener,) = config["static_resources"]["listeners"]
    found: dict[str, Any] = listener["filter_chains"][0]["filters"][0]["typed_config"]
    return found


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_a_plain_call_meets_no_filter_but_the_application(settings: dict[str, Any]) -> None:
    http = manager(configuration("books", **settings))
    *edge, application = http["http_filters"]
    assert application["name"] == "pyvoy"
    assert all(one["disabled"] for one in edge)
    (host,) = http["route_config"]["virtual_hosts"]
    if host["routes"]:
        _stranger, first, *_ = host["routes"]
        assert first["match"]["headers"] == [
            {"name": "content-type", "string_match": {"exact": "application/grpc"}}
        ]
        assert "typed_per_filter_config" not in first


def test_without_what_stands_beside_grpc_there_is_nothing_to_choose() -> None:
    http = manager(configuration("books", edge_grpc_web=False, edge_connect=False, edge_rest=False))
    assert len(http["http_filters"]) == 1
    assert http["route_config"]["virtual_hosts"][0]["routes"] == []
