"""The Helm chart and the compose file: helm and the schemas of Kubernetes and Compose find them right."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import kubernetes_validate
import pytest

from gateway import __version__
from gateway.config.load import settings_of
from gateway.config.setting_names import BY_VARIABLE, SETTINGS
from gateway.config.settings import Settings
from gateway.db.connections.dsn import resolve
from gateway.observe.metrics.catalogue import CATALOGUE
from tests.deploy.dockerfile import read_stages
from tests.deploy.workloads import (
    CHART,
    COMPOSE,
    Manifest,
    Workload,
    composed,
    of_kind,
    of_pod,
    of_service,
    rendered,
)
from tests.harness.tools import installed, tool

LEAST, FULL = (CHART / "ci" / name for name in ("values.yaml", "full-values.yaml"))
KUBERNETES = ("1.27", "1.37")
"""The oldest that the chart takes, and the newest whose schemas there are."""
OTHERS = {"ServiceMonitor"}
"""Kinds that aren't Kubernetes' own."""
SECRETS = {
    "shop-database": dict.fromkeys(("dsn", "url", "replicas"), "postgresql://u@h/d"),
    "shop-owner": {"dsn": "postgresql://o@h/d"},
}
SHELL = {"POSTGRES_PASSWORD": "hunter2", "ROWGATE_SECRET": "0123456789abcdef"}


def test_helm_finds_the_chart_right() -> None:
    for values in (LEAST, FULL):
        command = [str(tool("helm")), "lint", "--strict", str(CHART), f"--values={values}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("values", [LEAST, FULL], ids=["least", "full"])
def test_each_manifest_is_as_kubernetes_s_schemas_say(values: Path, version: str) -> None:
    manifests = rendered(values, kubernetes=version)
    assert {"Deployment", "Service", "Job", "PodDisruptionBudget"} <= {one["kind"] for one in manifests}
    for manifest in manifests:
        if manifest["kind"] not in OTHERS:
            kubernetes_validate.validate(manifest, version, strict=True)


def test_the_full_values_ask_for_every_template() -> None:
    command = [str(tool("helm")), "template", "shop", str(CHART), "--kube-version=1.31", f"--values={FULL}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    sources = {line.rpartition("/")[2] for line in done.stdout.splitlines() if line.startswith("# Source: ")}
    assert sources == {path.name for path in (CHART / "templates").glob("*.yaml")}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"database__secret": ""}, "/database/secret"),
        ({"auth__providers": "null"}, "auth"),
        ({"settings__dsn": "postgresql://u:p@h/d"}, "dsn"),
        ({"settings__pool_size": "3"}, "pool_size"),
        ({"migrate__flags[0]": "--dsn=postgresql://u:p@h/d"}, "/migrate/flags/0"),
        ({"replica": "3"}, "replica"),
        ({"service__port": "9464"}, "/service/port"),
        ({"podDisruptionBudget__maxUnavailable": "0%"}, "/podDisruptionBudget/maxUnavailable"),
        ({r"podLabels__app\.kubernetes\.io/name": "other"}, "app.kubernetes.io/name"),
        ({"autoscaling__enabled": "true", "autoscaling__minReplicas": "9"}, "autoscaling.minReplicas"),
        ({"settings__descriptor_set": "/protos/all.binpb"}, "descriptor_set"),
        ({"image__tag": "sha256:0"}, "/image/tag"),
    ],
)
def test_values_that_are_wrong_are_refused_by_their_name(given: Mapping[str, str], told: str) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        rendered(LEAST, **given)
    assert told in caught.value.stderr


def test_a_release_whose_name_no_service_may_have_is_refused() -> None:
    for name in ("123", "a.b"):
        command = [str(tool("helm")), "template", name, str(CHART), f"--values={LEAST}"]
        command.append("--kube-version=1.31")
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert "the release's name has to begin with a letter" in done.stderr


def test_names_that_yaml_would_take_for_something_else_stay_texts(tmp_path: Path) -> None:
    odd = tmp_path / "odd.yaml"
    odd.write_text(
        """
        database: {secret: "123", key: "true", readKey: "5"}
        tokens: {secret: "null", key: "1"}
        schema: {configMap: "007"}
        migrate: {secret: "on", key: "no", deadlineSeconds: 10000000}
        tls: {secret: "yes"}
        files: {secret: "1.5"}
        """
    )
    for manifest in rendered(LEAST, odd):
        kubernetes_validate.validate(manifest, "1.31", strict=True)
    volumes = of_kind(rendered(LEAST, odd), "Deployment")["spec"]["template"]["spec"]["volumes"]
    assert [one["secret"]["secretName"] for one in volumes if "secret" in one] == ["null", "yes", "1.5"]


def test_an_image_may_be_named_by_its_digest() -> None:
    digest = f"sha256:{'a' * 64}"
    for kind in ("Deployment", "Job"):
        manifest = of_kind(rendered(LEAST, image__repository="reg:5000/rowgate", image__digest=digest), kind)
        (container,) = manifest["spec"]["template"]["spec"]["containers"]
        assert container["image"] == f"reg:5000/rowgate@{digest}"


def test_migrations_are_told_what_they_go_by() -> None:
    """A Job that didn't know the folder of migrations would bring the tables to the schema without it."""
    said = {"settings__migrations": "/protos/migrations", "settings__max_in_flight": "2000"}
    job = of_pod(of_kind(rendered(LEAST, **said), "Job"), read_stages()[-1], SECRETS)
    made = settings(job.environment)
    assert made.schema.migrations == Path("/protos/migrations")
    assert made.limits.max_in_flight == 1000


def gateway_of(manifests: Sequence[Manifest]) -> Workload:
    """Return what the chart's Deployment runs."""
    return of_pod(of_kind(manifests, "Deployment"), read_stages()[-1], SECRETS)


def settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings that variables make; each has to be one."""
    named = {BY_VARIABLE[name]: value for name, value in environment.items() if name.startswith("ROWGATE_")}
    return settings_of(**{one.flat: value for one, value in named.items()})


def test_the_process_has_the_time_that_its_settings_may_take() -> None:
    for values in (LEAST, FULL):
        gateway = gateway_of(rendered(values, lameDuck="7", drainTimeout="33", closeTimeout="9"))
        made = settings(gateway.environment)
        own = made.server.lame_duck + made.server.drain_timeout + made.database.close_timeout
        assert own == 49
        assert gateway.grace > own + 1
    stage = read_stages()[-1]
    made = settings(of_service(composed(SHELL)["gateway"], stage).environment)
    own = made.server.lame_duck + made.server.drain_timeout + made.database.close_timeout
    assert of_service(composed(SHELL)["gateway"], stage).grace > own + 1


def test_a_start_may_wait_for_the_database_as_long_as_it_is_told_to() -> None:
    gateway = gateway_of(rendered(LEAST, startTimeout="120", settings__worker_start_timeout="300"))
    made, probe = settings(gateway.environment), gateway.probes["startupProbe"]
    assert made.database.start_timeout == 120
    assert probe.period * probe.failures >= made.database.start_timeout + made.server.worker_start_timeout


def test_liveness_asks_for_the_process_and_the_others_for_the_database() -> None:
    gateway = gateway_of(rendered(LEAST))
    paths = {name: probe.path for name, probe in gateway.probes.items()}
    assert paths == {"startupProbe": "/ready", "readinessProbe": "/ready", "livenessProbe": "/live"}
    (admin,) = {probe.port for probe in gateway.probes.values()}
    environment = read_stages()[-1].environment
    assert environment["ROWGATE_ADMIN_LISTEN"] == f"0.0.0.0:{admin}"
    assert read_stages()[-1].said["EXPOSE"].split() == ["50051", str(admin)]


def test_secrets_stand_in_no_manifest_and_no_argument() -> None:
    for manifest in rendered(FULL):
        assert "postgresql://" not in json.dumps(manifest)
    deployment = of_kind(rendered(FULL), "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["serve"]
    named = [one["name"] for one in container["env"] if "valueFrom" in one]
    assert named == ["ROWGATE_DSN", "ROWGATE_READ_DSN"]


def test_no_secret_is_taken_where_it_would_stand_in_a_manifest() -> None:
    secrets = [one.flat for one in SETTINGS if one.is_secret]
    assert "dsn" in secrets
    for name in secrets:
        with pytest.raises(subprocess.CalledProcessError) as caught:
            rendered(LEAST, **{f"settings__{name}": "hidden"})
        assert name in caught.value.stderr


def test_the_cache_is_known_by_a_file_of_its_secret() -> None:
    made = settings(gateway_of(rendered(FULL)).environment)
    assert made.cache.url_file == Path("/etc/rowgate/cache/address")
    pod = of_kind(rendered(FULL), "Deployment")["spec"]["template"]["spec"]
    (mounted,) = [one["mountPath"] for one in pod["containers"][0]["volumeMounts"] if one["name"] == "cache"]
    (volume,) = [one["secret"]["secretName"] for one in pod["volumes"] if one["name"] == "cache"]
    assert (mounted, volume) == ("/etc/rowgate/cache", "shop-cache")
    assert settings(gateway_of(rendered(LEAST)).environment).cache.url_file is None


def test_settings_come_as_they_were_said() -> None:
    large = {"settings__max_request_bytes_in_flight": "268435456", "settings__reflection": "false"}
    gateway = gateway_of(rendered(LEAST, **large))
    made = settings(gateway.environment)
    assert (made.limits.max_request_bytes_in_flight, made.server.reflection) == (268_435_456, False)


def test_the_pool_feeds_a_worker_for_each_processor() -> None:
    deployment = of_kind(rendered(LEAST), "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    processors = int(container["resources"]["limits"]["cpu"])
    assert settings(gateway_of(rendered(LEAST)).environment).database.pool_size >= 4 * processors
    service = composed(SHELL)["gateway"]
    assert int(service["environment"]["ROWGATE_POOL_SIZE"]) >= 4 * int(
        service["deploy"]["resources"]["limits"]["cpus"]
    )


def test_the_gateways_that_share_the_database_are_counted_with_the_one_of_a_roll_out() -> None:
    by_number = settings(gateway_of(rendered(LEAST, replicas="3")).environment)
    scaled = settings(gateway_of(rendered(FULL)).environment)
    assert (by_number.database.gateways, scaled.database.gateways) == (4, 13)
    service = composed(SHELL)["gateway"]
    assert int(service["environment"]["ROWGATE_GATEWAYS"]) == service["deploy"]["replicas"]


def test_the_autoscaler_asks_for_a_metric_that_there_is() -> None:
    (metric,) = of_kind(rendered(FULL), "HorizontalPodAutoscaler")["spec"]["metrics"]
    assert metric["pods"]["metric"]["name"] in CATALOGUE


def test_services_select_the_gateways_and_no_migration() -> None:
    manifests = rendered(FULL)
    pods = {
        kind: of_kind(manifests, kind)["spec"]["template"]["metadata"]["labels"]
        for kind in ("Deployment", "Job")
    }
    selectors = [one["spec"]["selector"] for one in manifests if one["kind"] == "Service"]
    assert len(selectors) == 2
    for selector in selectors:
        assert selector.items() <= pods["Deployment"].items()
        assert not selector.items() <= pods["Job"].items()


def test_the_chart_is_of_this_version() -> None:
    chart = (CHART / "Chart.yaml").read_text()
    assert f"\nversion: {__version__}\n" in chart
    assert f"\nappVersion: {__version__}\n" in chart


def test_compose_s_schema_finds_the_file_right() -> None:
    command = [installed("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout


def test_compose_takes_any_password() -> None:
    password = "p@ss/w?rd#50%25"  # noqa: S105 - none
    services = composed({**SHELL, "POSTGRES_PASSWORD": password})
    for name in ("migrate", "gateway"):
        given = services[name]["environment"]
        assert resolve(given["ROWGATE_DSN"], given).parameters["password"] == password


def test_compose_starts_each_service_behind_those_that_it_needs() -> None:
    services = composed(SHELL)
    assert services["postgres"]["healthcheck"]
    assert services["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert services["gateway"]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    (port,) = services["gateway"]["ports"]
    assert port.startswith("127.0.0.1:"), "anybody may call"
