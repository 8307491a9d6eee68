"""What a GitOps engine applies is what ``gpuplane up`` applies: the same objects, field by field, on a real API server.

``GPUPLANE_ENGINE_CRDS`` names a folder with the CRDs of Argo CD, Flux and the Pulumi operator: their own schemas then judge what is written
for them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.cluster import Cluster, wait_for
from tests.integration.work import Work

pytestmark = pytest.mark.integration

IMAGE = f"registry.example.com/gpuplane@sha256:{'a' * 64}"
SOURCE = "      source: {url: https://git.example.com/acme/platform.git, path: rendered/local}\n"
GATE = f"      gate: {{image: {IMAGE}, egress: [{{name: proxy, namespace: egress-proxy, ports: [3128]}}]}}\n"
ENGINES = {"argo_cd": f"  delivered_by:\n    argo_cd:\n{SOURCE}{GATE}", "flux": f"  delivered_by:\n    flux:\n{SOURCE}{GATE}",
           "pulumi_operator": f"  delivered_by:\n    pulumi_operator:\n{SOURCE}      access_token_secret: pulumi\n"}
SERVERS_OWN = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "selfLink")
ENGINES_OWN = ("pulumi.com/", "argocd.argoproj.io/", "kustomize.toolkit.fluxcd.io/", "kubectl.kubernetes.io/")


def _same(body: dict[str, Any]) -> dict[str, Any]:
    """An object without what the API server numbers and what engines note for themselves."""
    metadata = {key: value for key, value in body["metadata"].items() if key not in SERVERS_OWN}
    notes = {key: value for key, value in (metadata.pop("annotations", None) or {}).items() if not key.startswith(ENGINES_OWN)}
    return {**{key: value for key, value in body.items() if key not in ("status", "metadata")}, "metadata": {**metadata, "annotations": notes}}


def _manifests(folder: Path, *parts: str) -> list[dict[str, Any]]:
    return [yaml.safe_load(path.read_text()) for part in parts for path in sorted((folder / part).rglob("*.yaml"))
            if path.name != "gpuplane-gate.yaml"]


def _key(body: dict[str, Any]) -> str:
    metadata = body["metadata"]
    return f"{body['apiVersion']} {body['kind']} {metadata.get('namespace', '')}/{metadata['name']}"


def _there(cluster: Cluster, wanted: list[dict[str, Any]]) -> dict[str, Any]:
    found = {}
    for body in wanted:
        metadata = body["metadata"]
        object_ = cluster.get(body["apiVersion"], body["kind"], metadata["name"], metadata.get("namespace", ""))
        assert object_ is not None, _key(body)
        found[_key(body)] = _same(object_)
    return found


def _apply(cluster: Cluster, body: dict[str, Any], dry: bool = False) -> None:
    """Server-side apply, by kubectl where it is, else by the client."""
    if shutil.which("kubectl"):
        command = ["kubectl", "--context", cluster.context, "apply", "--server-side", "--field-manager", "argocd-controller", "-f", "-",
                   *(["--dry-run=server"] if dry else [])]
        done = subprocess.run(command, input=yaml.safe_dump(body), capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{_key(body)}: {done.stderr}"
        return
    metadata, options = body["metadata"], {"dry_run": "All"} if dry else {}
    cluster.kind(body["apiVersion"], body["kind"]).server_side_apply(
        body=body, name=metadata["name"], namespace=metadata.get("namespace"), field_manager="argocd-controller", **options)


@pytest.fixture(scope="module")
def rendered(work: Work) -> Path:
    """The local environment as Argo CD gets it."""
    path = work.environments / "local/environment.yaml"
    text = path.read_text()
    path.write_text(text + ENGINES["argo_cd"])
    work.gpuplane("render", "local", "--out", str(work.folder / "rendered"))
    path.write_text(text)
    return work.folder / "rendered"


@pytest.fixture(scope="module")
def by_pulumi(work: Work, cluster: Cluster, rendered: Path) -> dict[str, Any]:
    """Every object as ``gpuplane up`` makes it; afterwards they are gone."""
    work.gpuplane("up", "local")
    wanted = _manifests(rendered, "platform", "tenants")
    found = _there(cluster, wanted)
    work.gpuplane("destroy", "local", "--yes")
    wait_for(lambda: all(cluster.get("v1", "Namespace", name) is None for name in ("support", "search", "research")), "the tenants are gone", 120)
    return found


@pytest.fixture(scope="module")
def by_engine(cluster: Cluster, rendered: Path, by_pulumi: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The same as an engine applies the rendered files, wave after wave."""
    wanted = [*_by_wave(_manifests(rendered, "platform")), *_by_wave(_manifests(rendered, "tenants"))]
    for body in wanted:
        _apply(cluster, body)
    yield _there(cluster, wanted)
    # A queue goes when its workloads are gone, and a namespace when its models are.
    last = {"InferenceService": 0, "Namespace": 1, "ClusterQueue": 2}
    for body in sorted(wanted, key=lambda body: last.get(body["kind"], 3)):
        if body["kind"] in last or not body["metadata"].get("namespace"):
            cluster.delete(body)


def _by_wave(bodies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(bodies, key=lambda body: int(body["metadata"].get("annotations", {}).get("argocd.argoproj.io/sync-wave", 0)))


def test_an_engine_makes_the_objects_that_up_makes_field_by_field(by_pulumi: dict[str, Any], by_engine: dict[str, Any]) -> None:
    assert len(by_pulumi) > 50
    assert by_engine.keys() == by_pulumi.keys()
    assert {key: found for key, found in by_engine.items() if found != by_pulumi[key]} == {}


def test_the_health_checks_find_real_queues_and_models_healthy(cluster: Cluster, by_engine: dict[str, Any]) -> None:
    from tests.delivery.handoff.lua import health

    kinds = {"ClusterQueue", "LocalQueue", "InferenceService"}
    objects = [body for body in by_engine.values() if body["kind"] in kinds]

    def said() -> dict[str, str]:
        found = {}
        for body in objects:
            metadata = body["metadata"]
            there = cluster.get(body["apiVersion"], body["kind"], metadata["name"], metadata.get("namespace", ""))
            found[_key(body)] = health(body["kind"], there or {})[0]
        return found

    wait_for(lambda: set(said().values()) == {"Healthy"}, f"all are healthy, not {said()}", 120)
    assert {body["kind"] for body in objects} == kinds


def test_the_gates_are_admitted_by_the_api_server(cluster: Cluster, rendered: Path, by_engine: dict[str, Any]) -> None:
    gate = sorted((rendered / "argo-cd/apps/gate").glob("*.yaml"))
    bodies = [yaml.safe_load(path.read_text()) for path in gate]
    for body in sorted(bodies, key=lambda body: body["kind"]):
        _apply(cluster, body)

    try:
        for path in rendered.rglob("gpuplane-gate.yaml"):
            _apply(cluster, yaml.safe_load(path.read_text()), dry=True)
    finally:
        cluster.delete(next(body for body in bodies if body["kind"] == "Namespace"))


CRDS = os.environ.get("GPUPLANE_ENGINE_CRDS")


@pytest.mark.skipif(not CRDS, reason="GPUPLANE_ENGINE_CRDS names no folder of CRDs")
@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_an_engines_own_schema_accepts_its_objects(work: Work, cluster: Cluster, engine: str) -> None:
    for path in sorted(Path(CRDS or "").glob("*.yaml")):
        body = yaml.safe_load(path.read_text())
        if cluster.get(body["apiVersion"], body["kind"], body["metadata"]["name"]) is None:
            _apply(cluster, body)
    shutil.copytree(work.environments / "local", work.environments / engine.replace("_", "-"))
    folder = work.environments / engine.replace("_", "-")
    text = (folder / "environment.yaml").read_text().replace("name: local\nspec:", f"name: {folder.name}\nspec:").replace("install: external", "install: release")
    (folder / "environment.yaml").write_text(f"{text}{ENGINES[engine]}  cert_manager: {{install: release, version: v1.21.1}}\n  keda: {{install: release, version: 2.20.2}}\n")
    (folder / "exemptions.yaml").unlink()
    work.gpuplane("render", folder.name, "--out", str(work.folder / engine))
    bodies = [body for path in sorted((work.folder / engine).rglob("*.yaml")) if (body := yaml.safe_load(path.read_text()))["apiVersion"].startswith(
        ("argoproj.io", "source.toolkit", "kustomize.toolkit", "helm.toolkit", "pulumi.com"))]
    for namespace in sorted({body["metadata"]["namespace"] for body in bodies}):
        _apply(cluster, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})

    wait_for(lambda: all(_served(cluster, body) for body in bodies), "the CRDs are served")
    for body in bodies:
        _apply(cluster, body, dry=True)

    assert len(bodies) >= 2


def _served(cluster: Cluster, body: dict[str, Any]) -> bool:
    try:
        return bool(cluster.kind(body["apiVersion"], body["kind"]))
    except Exception:
        return False
