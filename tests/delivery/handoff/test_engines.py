"""What each engine is given: order, borders, typed values, and a gate before anything is applied."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gpuplane.cli import cli
from gpuplane.delivery.handoff.delivery_parts import waves
from gpuplane.graph.resource_view import ResourceView
from tests.delivery.handoff.environments import ARGO_CD, FLUX, IMAGE, PULUMI, environments, objects, render

WAVE = "argocd.argoproj.io/sync-wave"


KSERVE = {"kserve": {"controller": {"deploymentMode": "Standard"}, "inferenceServiceConfig": {"enabled": True}}}


def _rendered(folder: Path, delivered_by: str) -> dict[str, Any]:
    done = render("team", "--out", folder / "out", where=environments(folder, delivered_by, releases=True))
    assert done.exit_code == 0, done.output
    verified = render("--verify", folder / "out")
    assert verified.exit_code == 0, verified.output
    return objects(folder / "out")


@pytest.fixture(scope="module")
def argo(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return _rendered(tmp_path_factory.mktemp("argo"), ARGO_CD)


@pytest.fixture(scope="module")
def flux(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return _rendered(tmp_path_factory.mktemp("flux"), FLUX)


def _wave(body: dict[str, Any]) -> int:
    return int(body["metadata"].get("annotations", {}).get(WAVE, 0))


def test_argo_cd_brings_projects_then_releases_then_the_platform_then_tenants(argo: dict[str, Any]) -> None:
    apps = {path.removeprefix("argo-cd/apps/").removesuffix(".yaml"): _wave(body) for path, body in argo.items() if path.startswith("argo-cd/apps/")}

    assert apps["project-platform"] == apps["project-tenants"] == apps["gate/namespace"] == -10
    assert apps["release-kserve-crd"] < apps["release-kserve"] < apps["platform"] < apps["tenants"]
    assert argo["argo-cd/root.yaml"]["spec"]["source"]["path"] == "rendered/team/argo-cd/apps"


def test_an_application_set_has_an_application_for_each_tenant_and_takes_nothing_with_it(argo: dict[str, Any]) -> None:
    spec = argo["argo-cd/apps/tenants.yaml"]["spec"]

    assert spec["generators"] == [{"list": {"elements": [{"tenant": "chat"}]}}]
    assert spec["template"]["spec"]["source"]["path"] == "rendered/team/tenants/{{.tenant}}"
    assert spec["template"]["spec"]["project"] == "team-tenants"
    assert spec["syncPolicy"] == {"preserveResourcesOnDeletion": True}


def test_tenants_applications_may_write_what_tenants_have_and_nothing_else(argo: dict[str, Any]) -> None:
    spec = argo["argo-cd/apps/project-tenants.yaml"]["spec"]
    cluster = {each["kind"] for each in spec["clusterResourceWhitelist"]}

    assert cluster == {"Namespace", "ClusterQueue"}
    assert [each["namespace"] for each in spec["destinations"]] == ["chat", "gpuplane-gate"]
    assert not {each["kind"] for each in spec["namespaceResourceWhitelist"]} & {"*", "Secret", "Application"}
    assert spec["sourceRepos"] == ["https://git.example.com/acme/platform.git"]


def test_a_helm_release_is_an_application_with_its_typed_values(argo: dict[str, Any]) -> None:
    kserve, keda = (argo[f"argo-cd/apps/release-{name}.yaml"]["spec"] for name in ("kserve", "keda"))

    assert kserve["source"] == {"repoURL": "ghcr.io/kserve/charts", "chart": "kserve-resources", "targetRevision": "v0.20.0", "helm": {
        "releaseName": "kserve", "valuesObject": KSERVE}}
    assert keda["source"]["repoURL"] == "https://kedacore.github.io/charts"
    assert keda["source"]["helm"]["valuesObject"]["operator"] == {"replicaCount": 2}
    assert kserve["destination"]["namespace"] == "kserve"


def test_within_a_part_nothing_comes_before_what_it_needs(argo: dict[str, Any]) -> None:
    tenant = {f"{body['kind']} {body['metadata']['name']}": _wave(body) for path, body in argo.items() if path.startswith("tenants/chat/")
              and "gate" not in path}

    assert tenant["Namespace chat"] == 0
    assert tenant["Namespace chat"] < tenant["ClusterQueue chat"] < tenant["LocalQueue gpu"] < tenant["InferenceService qwen"]
    assert tenant["NetworkPolicy default-deny"] < tenant["InferenceService qwen"]


def test_each_part_has_a_gate_that_argo_cd_runs_before_it_syncs(argo: dict[str, Any]) -> None:
    gates = {path: body for path, body in argo.items() if path.endswith("/gpuplane-gate.yaml")}

    assert set(gates) == {"platform/gpuplane-gate.yaml", "tenants/chat/gpuplane-gate.yaml"}
    for body in gates.values():
        container = body["spec"]["template"]["spec"]["containers"][0]
        assert body["metadata"]["annotations"] == {"argocd.argoproj.io/hook": "PreSync", "argocd.argoproj.io/hook-delete-policy": "BeforeHookCreation"}
        assert body["metadata"]["namespace"] == "gpuplane-gate"
        assert container["image"] == IMAGE
        assert "https://" not in container["command"][-1]
        assert "team" not in container["command"][-1]


def test_flux_applies_nothing_before_the_gate_and_each_part_after_what_it_needs(flux: dict[str, Any]) -> None:
    needs = {body["metadata"]["name"]: [each["name"] for each in body["spec"].get("dependsOn", ())] for body in flux.values()
             if body["kind"] == "Kustomization"}

    assert needs == {"team-gate": [], "team-releases": ["team-gate"], "team-platform": ["team-releases"], "team-tenant-chat": ["team-platform"]}
    assert all(body["spec"]["wait"] and body["spec"]["sourceRef"] == {"kind": "GitRepository", "name": "gpuplane-team"} for body in flux.values()
               if body["kind"] == "Kustomization")


def test_a_gate_of_flux_is_called_after_what_it_judges(flux: dict[str, Any]) -> None:
    job = flux["flux/gate/job.yaml"]
    variables = {each["name"]: each["value"] for each in job["spec"]["template"]["spec"]["containers"][0]["env"]}

    assert job["metadata"]["name"] == f"gpuplane-gate-{variables['DIGEST'].removeprefix('sha256:')[:10]}"
    assert variables["PART"] == "."


def test_a_helm_release_of_flux_has_its_chart_and_typed_values(flux: dict[str, Any]) -> None:
    kserve, keda = (flux[f"flux/releases/{name}.yaml"]["spec"] for name in ("kserve", "keda"))
    registry, repository = (flux[f"flux/releases/{name}-chart.yaml"] for name in ("kserve", "keda"))

    assert kserve["values"] == KSERVE
    assert {"name": "team-kserve-crd"} in kserve["dependsOn"]
    assert kserve["chartRef"] == {"kind": "OCIRepository", "name": "team-kserve"}
    assert (registry["kind"], registry["spec"]["url"], registry["spec"]["ref"]) == ("OCIRepository", "oci://ghcr.io/kserve/charts/kserve-resources", {"tag": "v0.20.0"})
    assert (repository["kind"], repository["spec"]["url"]) == ("HelmRepository", "https://kedacore.github.io/charts")
    assert keda["chart"]["spec"]["version"] == "2.20.2"


def test_flux_asks_for_the_health_of_kinds_that_it_does_not_know(flux: dict[str, Any]) -> None:
    checks = flux["flux/sync/tenants-chat.yaml"]["spec"]["healthCheckExprs"]

    assert {each["kind"] for each in checks} == {"ClusterQueue", "LocalQueue", "InferenceService"}


def test_no_engine_leaves_manifests_as_they_are_and_releases_as_they_would_be_installed(tmp_path: Path) -> None:
    found = _rendered(tmp_path, "")

    assert "releases/kueue.yaml" in found
    assert not [path for path in found if "gate" in path or path.startswith(("argo-cd", "flux"))]
    assert all("argocd" not in str(body.get("metadata", {}).get("annotations", {})) for body in found.values())


def test_the_pulumi_operator_gets_a_stack_for_each_layer_one_after_the_other(tmp_path: Path) -> None:
    wishes = environments(tmp_path, PULUMI)
    done = render("team", "--out", tmp_path / "out", where=wishes)

    found = objects(tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert set(found) == {"pulumi-operator/team-platform.yaml", "pulumi-operator/team-tenants.yaml"}
    tenants = found["pulumi-operator/team-tenants.yaml"]["spec"]
    assert tenants["prerequisites"] == [{"name": "team-platform", "requirement": {"succeededWithinDuration": "2h"}}]
    assert tenants["config"] == {"gpuplane:environment": "team", "gpuplane:layer": "tenants"}
    assert tenants["destroyOnFinalize"] is False
    assert tenants["envRefs"]["PULUMI_CONFIG_PASSPHRASE"] == {"type": "Secret", "secret": {"name": "passphrase", "key": "passphrase"}}


def test_the_pulumi_operator_gets_a_stack_for_each_tenant_where_the_environment_has_them(tmp_path: Path) -> None:
    render("team", "--out", tmp_path / "out", where=environments(tmp_path, f"{PULUMI}  tenant_stacks: true\n"))

    spec = objects(tmp_path / "out")["pulumi-operator/team-tenants-chat.yaml"]["spec"]
    assert spec["config"] == {"gpuplane:environment": "team", "gpuplane:layer": "tenants", "gpuplane:tenant": "chat"}
    assert spec["prerequisites"] == [{"name": "team-platform", "requirement": {"succeededWithinDuration": "2h"}}]


def test_the_pulumi_operator_makes_stacks_with_the_key_of_the_environment(tmp_path: Path) -> None:
    key = "awskms://alias/gpuplane-state-team?region=eu-central-1"

    render("team", "--out", tmp_path / "out", where=environments(tmp_path, f"{PULUMI}  secrets_provider: {key}\n"))

    found = objects(tmp_path / "out")
    assert {body["spec"].get("secretsProvider") for body in found.values()} == {key}


@pytest.mark.parametrize(("delivered_by", "said"), [
    ("  delivered_by: {}\n", "exactly one of argo_cd, flux, pulumi_operator is needed"),
    (ARGO_CD + "    flux: {}\n", "spec.delivered_by.flux"),
    (ARGO_CD.replace("https://git", "https://user:secret-token@git"), "spec.delivered_by.argo_cd.source.url"),
    (ARGO_CD.replace("rendered/team", "../team"), "spec.delivered_by.argo_cd.source.path"),
    (ARGO_CD.replace("rendered/team", "/team"), "spec.delivered_by.argo_cd.source.path"),
    (ARGO_CD.replace("@sha256:" + "a" * 64, ":latest"), "spec.delivered_by.argo_cd.gate.image"),
], ids=["none", "two", "credentials", "above", "absolute", "tag"])
def test_a_wrong_engine_is_an_error_with_its_line(tmp_path: Path, delivered_by: str, said: str) -> None:
    done = render("team", "--out", tmp_path / "out", where=environments(tmp_path, delivered_by))

    assert done.exit_code == 2
    assert said in done.stderr
    assert "team/environment.yaml:" in done.stderr


@pytest.mark.parametrize(("delivered_by", "arguments", "said"), [
    (ARGO_CD, (), "Argo CD delivers platform and tenants of team"),
    (FLUX, ("--layer", "tenants"), "gpuplane render team --out rendered/team"),
])
def test_up_does_not_fight_an_engine(tmp_path: Path, delivered_by: str, arguments: tuple[str, ...], said: str) -> None:
    done = CliRunner().invoke(cli, ["up", "team", "--environments", str(environments(tmp_path, delivered_by)), *arguments])

    assert done.exit_code == 2
    assert said in done.stderr


def _view(name: str, kind: str = "ConfigMap", namespace: str = "a", *needs: str) -> ResourceView:
    return ResourceView(urn=name, api_version="v1", kind=kind, name=name, namespace=namespace, dependencies=needs)


def test_waves_count_the_longest_way(tmp_path: Path) -> None:
    views = [_view("a", "Namespace", ""), _view("b"), _view("c", "ConfigMap", "a", "b"), _view("d", "ConfigMap", "x", "a", "c", "gone")]

    assert waves(views, {view.urn: frozenset(view.dependencies) for view in views}) == {"a": 0, "b": 1, "c": 2, "d": 3}


@st.composite
def _graphs(draw: st.DrawFn) -> list[ResourceView]:
    """Objects that need only objects before them, as they are registered."""
    size = draw(st.integers(1, 12))
    needs = [draw(st.sets(st.integers(0, index - 1), max_size=4)) if index else set() for index in range(size)]
    return [_view(f"o{index}", "ConfigMap", "a", *(f"o{each}" for each in sorted(needs[index]))) for index in range(size)]


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(_graphs())
def test_what_is_needed_is_always_in_an_earlier_wave_and_no_wave_is_empty(views: list[ResourceView]) -> None:
    found = waves(views, {view.urn: frozenset(view.dependencies) for view in views})

    assert all(found[each] < found[view.urn] for view in views for each in view.dependencies)
    assert set(found.values()) == set(range(max(found.values()) + 1))
