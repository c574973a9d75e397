"""Whoever listens for others has to say who calls, or that nobody is asked."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.app import Gateway
from gateway.cli import main
from gateway.config.errors import ConfigError
from gateway.config.load import settings_of
from tests.auth.asking import LET_IN, REFUSED, answer
from tests.cli.running import LEDGER, rowgate
from tests.conftest import GatewayFor
from tests.harness.gateway import descriptors_of

_EVERYWHERE = "0.0.0.0:0"


async def test_serve_refuses_to_listen_for_others_and_names_both_ways_out() -> None:
    status, out, errors = await rowgate("serve", "--protos", str(LEDGER), "--listen", _EVERYWHERE)
    assert (status, out) == (2, "")
    assert "auth.providers (flag --listen): is not set, and 0.0.0.0:0 is open" in errors
    assert '"jwt", "api_key", "client_certificate", or "none" to let everybody call' in errors


async def test_so_does_a_gateway_in_a_process_of_somebody_elses() -> None:
    with pytest.raises(ConfigError, match=r"auth\.providers"):
        await Gateway.start(descriptors_of("ledger"), settings_of(listen=_EVERYWHERE))


async def test_several_workers_know_the_same_callers(gateway_for: GatewayFor, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    args = ["keys", "create", "a", "--roles", "reader", "--auth-api-keys", str(path)]
    key = CliRunner().invoke(main, args).stdout.strip()
    settings = {"auth_providers": "api_key", "auth_api_keys": path, "workers": 2}
    gateway = await gateway_for("allowed", transport="http", apart=True, **settings)
    for _ in range(4):
        assert await answer(gateway, f"Bearer {key}") == LET_IN
        assert await answer(gateway, f"Bearer {key}x") == REFUSED
