"""What is run of the image, as the chart's manifests and the compose file say."""

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.dockerfile import Stage
from tests.harness.sample import ROOT
from tests.harness.tools import tool

CHART = ROOT / "deploy" / "helm" / "rowgate"
COMPOSE = ROOT / "deploy" / "compose.yaml"
KUBERNETES = "1.31"

Manifest = Mapping[str, Any]
Secrets = Mapping[str, Mapping[str, str]]
_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*)|:\?[^}]*)?\}")


@dataclass(frozen=True, slots=True)
class Probe:
    """A question over HTTP, and how often it is asked.

    Args:
        path: of the admin address.
        port: of that.
        period: seconds between two.
        failures: in a row, after which the answer is no.

    """

    path: str
    port: int
    period: int
    failures: int


@dataclass(frozen=True, slots=True)
class Workload:
    """One container of the image.

    Args:
        command: all of it.
        environment: its variables, beside the image's.
        read_only: whether its root can't be written.
        user: whose it is.
        mounted: the places where something is mounted for reading, each with what it is called.
        temporary: the places that may be written.
        grace: seconds between SIGTERM and SIGKILL.
        probes: by what they are for.

    """

    command: Sequence[str]
    environment: Mapping[str, str]
    read_only: bool
    user: tuple[int, int]
    mounted: Mapping[str, str]
    temporary: Sequence[str]
    grace: int
    probes: Mapping[str, Probe]


def rendered(*values: Path, kubernetes: str = KUBERNETES, **set_: str) -> Sequence[Manifest]:
    """Return the manifests of the chart. Skips without helm."""
    flags = [flag for file in values for flag in ("--values", str(file))]
    flags += [
        flag for name, value in set_.items() for flag in ("--set", f"{name.replace('__', '.')}={value}")
    ]
    command = [str(tool("helm")), "template", "shop", str(CHART), "--kube-version", kubernetes, *flags]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return [one for one in yaml.safe_load_all(done.stdout) if one]


def of_kind(manifests: Sequence[Manifest], kind: str) -> Manifest:
    """Return the one manifest of a kind."""
    (found,) = (one for one in manifests if one["kind"] == kind)
    return found


def of_pod(manifest: Manifest, stage: Stage, secrets: Secrets) -> Workload:
    """Return what a Deployment's or a Job's pods run.

    Args:
        manifest: it.
        stage: of the image.
        secrets: those that it names.

    """
    pod = manifest["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    security = pod["securityContext"] | container["securityContext"]
    assert security["runAsNonRoot"]
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert not security["allowPrivilegeEscalation"]
    volumes = {one["name"]: one for one in pod["volumes"]}
    places = {one["mountPath"]: volumes[one["name"]] for one in container["volumeMounts"]}
    ports = {one["name"]: one["containerPort"] for one in container.get("ports", ())}
    return Workload(
        command=(*stage.words("ENTRYPOINT"), *container["args"]),
        environment={one["name"]: _value(one, secrets) for one in container["env"]},
        read_only=security["readOnlyRootFilesystem"],
        user=(security["runAsUser"], security["runAsGroup"]),
        mounted={place: _called(one) for place, one in places.items() if "emptyDir" not in one},
        temporary=[place for place, one in places.items() if "emptyDir" in one],
        grace=pod.get("terminationGracePeriodSeconds", 30),
        probes={name: _probe(container[name], ports) for name in container if name.endswith("Probe")},
    )


def _value(variable: Manifest, secrets: Secrets) -> str:
    if "value" in variable:
        return str(variable["value"])
    named = variable["valueFrom"]["secretKeyRef"]
    return secrets[named["name"]][named["key"]]


def _called(volume: Manifest) -> str:
    source = volume.get("secret") or volume["configMap"]
    return str(source.get("secretName") or source["name"])


def _probe(probe: Manifest, ports: Mapping[str, int]) -> Probe:
    get = probe["httpGet"]
    return Probe(get["path"], ports[get["port"]], probe["periodSeconds"], probe["failureThreshold"])


def composed(variables: Mapping[str, str]) -> Mapping[str, Manifest]:
    """Return the services of the compose file, with these variables of the shell."""

    def put(match: re.Match[str]) -> str:
        return variables.get(match[1]) or match[2]

    services: Mapping[str, Manifest] = yaml.safe_load(_VARIABLE.sub(put, COMPOSE.read_text()))["services"]
    return services


def of_service(service: Manifest, stage: Stage) -> Workload:
    """Return what a service of the compose file runs."""
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    return Workload(
        command=(*stage.words("ENTRYPOINT"), *service["command"]),
        environment=service["environment"],
        read_only=service["read_only"],
        user=stage.user,
        mounted={one["target"]: one["source"] for one in service["volumes"] if one["read_only"]},
        temporary=service["tmpfs"],
        grace=int(service.get("stop_grace_period", "10s").removesuffix("s")),
        probes={},
    )


def config_map(folder: Path, files: Mapping[str, Path]) -> Path:
    """Lay files by their paths as Kubernetes mounts a ConfigMap: by links through one that is replaced."""
    data = folder / "..2026_11_23"
    for path, file in files.items():
        (data / path).parent.mkdir(parents=True, exist_ok=True)
        (data / path).write_bytes(file.read_bytes())
        top = Path(path).parts[0]
        if not (folder / top).is_symlink():
            (folder / top).symlink_to(Path("..data", top))
    (folder / "..data").symlink_to(data.name)
    return folder
