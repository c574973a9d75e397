"""The Grafana dashboard and the alert rules ask for metrics, labels and values that a scrape has."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.message_factory import GetMessageClass
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from gateway.admin.server import AdminServer
from gateway.app import Gateway
from gateway.config.load import settings_of
from tests.deploy.prometheus import Prometheus, prometheus
from tests.harness.certificates import Certificate
from tests.harness.databases import Databases
from tests.harness.gateway import descriptors_of, ledger_database, schema_of
from tests.harness.http import ask
from tests.harness.polling import next_poll
from tests.transport.conftest import GET, SERVICE

DEPLOY = Path(__file__).parents[2] / "deploy"
DASHBOARD = DEPLOY / "grafana" / "rowgate.json"
RULES = DEPLOY / "prometheus" / "rowgate.rules.yml"
OF_THE_SCRAPE = {"job", "instance", "le"}
"""Labels that Prometheus adds, and that of buckets."""
WORDS = {
    *("sum", "by", "rate", "topk", "histogram_quantile", "min", "time", "label_values"),
    *OF_THE_SCRAPE,
}
_SELECTOR = re.compile(r"\b(?P<name>[a-z_]+)(?:\{(?P<matchers>[^}]*)\})?")
_MATCHER = re.compile(r'(?P<label>\w+)\s*(?P<how>=~|=)\s*"(?P<value>[^"]*)"')
_BY = re.compile(r"\bby \(([^)]*)\)")


def shown() -> Iterator[str]:
    """Yield the queries of the dashboard."""
    dashboard = json.loads(DASHBOARD.read_text())
    for panel in dashboard["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"]["query"]


def alerting() -> Iterator[str]:
    """Yield those of the rules."""
    for block in re.split(r"^ +- alert: ", RULES.read_text(), flags=re.MULTILINE)[1:]:
        expr = re.search(r"expr: (\|\n.*?|.*?)(?=\n +(?:for|labels):)", block, re.DOTALL)
        assert expr is not None, block
        yield expr[1].removeprefix("|")


SHOWN, ALERTING = tuple(shown()), tuple(alerting())
OF_POLICY = {query for query in SHOWN if "CALL_NOT_ALLOWED" in query}
"""What is empty where everybody may call."""


@asynccontextmanager
async def scraped(databases: Databases, folder: Path) -> AsyncIterator[tuple[str, grpc.aio.Channel]]:
    """Serve the ledger with TLS and an admin address; give that, and a channel to call by."""
    dsn = await ledger_database(databases)
    own = Certificate(folder, "server")
    tls = {"tls_cert": str(own.cert_path), "tls_key": str(own.key_path)}
    settings = settings_of(dsn=dsn, listen="127.0.0.1:0", admin_listen="0", log_access="none", **tls)
    gateway = await Gateway.start(descriptors_of("ledger"), settings)
    assert gateway.source is not None
    admin = AdminServer(gateway.source, settings)
    await admin.start()
    credentials = grpc.ssl_channel_credentials(own.cert_path.read_bytes())
    try:
        async with grpc.aio.secure_channel(f"127.0.0.1:{gateway.port}", credentials) as channel:
            yield str(admin.address), channel
    finally:
        await gateway.stop(grace=1)
        await admin.stop()


@pytest.fixture(scope="module")
async def samples(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    """Return what a scrape has after a few calls, some of them together, all of rows that aren't there."""
    async with scraped(databases, tmp_path_factory.mktemp("tls")) as (admin, channel):
        get = channel.unary_unary(f"/{GET}")
        outcomes = await asyncio.gather(*(get(key(number)) for number in range(40)), return_exceptions=True)
        assert all(isinstance(one, grpc.aio.AioRpcError) for one in outcomes)
        text = (await ask(admin, "GET", "/metrics")).body.decode()
    return [one for family in text_string_to_metric_families(text) for one in family.samples]


def key(number: int) -> bytes:
    """Return the request of an account."""
    method = schema_of("ledger").services[SERVICE].methods
    (get,) = (one for one in method if one.path == f"/{GET}")
    request = GetMessageClass(get.descriptor.input_type)(book="main", number=number)
    return bytes(request.SerializeToString())


@pytest.mark.parametrize("query", [*SHOWN, *ALERTING])
def test_a_query_s_metrics_and_labels_are_in_a_scrape(query: str, samples: list[Sample]) -> None:
    by = {label.strip() for group in _BY.findall(query) for label in group.split(",")} - OF_THE_SCRAPE
    bare = _BY.sub("", re.sub(r"^label_values\((.*), \w+\)$", r"\1", query.strip()))
    selectors = [
        one for one in _SELECTOR.finditer(re.sub(r"\[[^]]*\]|\$\w+", "", bare)) if one["name"] not in WORDS
    ]
    assert selectors
    for selector in selectors:
        found = [one for one in samples if one.name == selector["name"]]
        assert found, f"{selector['name']} is in no scrape"
        labels = {label for one in found for label in one.labels} | OF_THE_SCRAPE
        asked_for = {matcher["label"] for matcher in _MATCHER.finditer(selector["matchers"] or "")}
        assert asked_for | by <= labels


async def test_prometheus_answers_each_query_and_evaluates_each_rule(
    databases: Databases, tmp_path: Path
) -> None:
    async with scraped(databases, tmp_path) as (admin, channel), prometheus(tmp_path, admin, RULES) as asked:
        get = channel.unary_unary(f"/{GET}")
        waiting = set(SHOWN) - OF_POLICY
        async with asyncio.timeout(60):
            while waiting:
                await asyncio.gather(*(get(key(n)) for n in range(40)), return_exceptions=True)
                waiting -= {query for query in waiting if await asked.query(plain(query))}
            while not (alerts := await rules(asked)) or "firing" not in alerts.values():
                await next_poll()
    # The certificate of the test is one for an hour; all else is as it should be.
    assert {name for name, state in alerts.items() if state != "inactive"} == {"RowgateCertificateExpires"}


def plain(query: str) -> str:
    """Return a query of the dashboard as Grafana sends it."""
    named = re.sub(r"^label_values\((.*), \w+\)$", r"\1", query)
    return named.replace("$__rate_interval", "30s").replace("$job", ".*").replace("$instance", ".*")


async def rules(asked: Prometheus) -> Mapping[str, str]:
    """Return the states of the alerts, by name; none before all of them have been evaluated."""
    (group,) = (await asked.get("rules"))["groups"]
    assert "err" not in {rule["health"] for rule in group["rules"]}, group
    if any(rule["health"] != "ok" for rule in group["rules"]):
        return {}
    return {rule["name"]: rule["state"] for rule in group["rules"]}


def test_panels_have_places_of_their_own() -> None:
    panels: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len({(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}) == len(panels)
