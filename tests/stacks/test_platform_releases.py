"""Releases that come with what an environment says, in their order, and the gateway's certificate and Redis."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gpuplane.catalog.overlay import catalog_of
from gpuplane.delivery.offline_engine import render
from gpuplane.graph.resource_view import ResourceView
from gpuplane.planning import plan
from tests.spec.wish import Wish
from tests.stacks.llm_shapes import llm_wish
from tests.stacks.test_llm_manifests import AS_OF
from tests.stacks.test_llm_serving import _wish as reached

LLM = ["kserve-crd", "kserve", "kserve-llmisvc-crd", "kserve-llmisvc", "kserve-llmisvc-templates"]
KSERVE = "kserve: {install: external, version: v0.20.0}"
RELEASED = "kserve: {install: release, version: v0.20.0}\n  cert_manager: {install: release, version: v1.21.1}"
REDIS = "redis@sha256:" + "5c" * 32


def _views(wish: Wish) -> list[ResourceView]:
    spec = wish.load()
    planned = plan(spec, catalog_of(spec), AS_OF)
    assert planned.refusals == ()
    return [view for view in render(spec, planned) if view.custom]


def _releases(views: list[ResourceView]) -> dict[str, ResourceView]:
    return {view.name: view for view in views if view.type.endswith("helm.sh/v3:Release")}


def _one(views: list[ResourceView], kind: str, name: str) -> dict[str, Any]:
    return next(dict(view.props) for view in views if (view.kind, view.name) == (kind, name))


def test_kserve_comes_with_what_llm_services_need_after_its_certificates(tmp_path: Path) -> None:
    wish = llm_wish(tmp_path, "pipeline").change("environment.yaml", KSERVE, RELEASED).change(
        "environment.yaml", "leader_worker_set: {install: external", "leader_worker_set: {install: release")
    found = _releases(_views(wish))

    assert set(found) == {"cert-manager", "lws", *LLM}
    assert found["kserve-llmisvc"].props["values"] == {"kserve": {"createSharedResources": False, "llmisvc": {"createGIECRDs": True}}}
    assert found["kserve-llmisvc-templates"].props["values"] == {"kserve": {"llmisvcConfigs": {"enabled": True}}}
    assert found["lws"].props["values"]["image"]["manager"]["tag"] == "v0.10.0"
    assert found["cert-manager"].urn in found["kserve"].dependencies
    assert found["lws"].urn in found["kserve-llmisvc"].dependencies


def test_without_llm_services_kserve_comes_alone(tmp_path: Path) -> None:
    wish = Wish(tmp_path).change("environment.yaml", KSERVE, RELEASED)
    wish.change("tenants/acme.yaml", "  data_classification: pii\n  allowed_regions: [eu-central-1]\n", "  data_classification: internal\n")

    assert [name for name in _releases(_views(wish)) if name.startswith("kserve")] == ["kserve", "kserve-crd"]


def test_a_kserve_whose_llm_charts_are_not_known_is_refused(tmp_path: Path) -> None:
    wish = llm_wish(tmp_path, "tensor").change("environment.yaml", KSERVE, "kserve: {install: release, version: v0.19.0}")
    spec = wish.load()
    refused = plan(spec, catalog_of(spec), AS_OF).refusals

    assert {one.path for one in refused} == {"spec.kserve.version"}
    assert any("kserve-llmisvc-crd" in one.claim for one in refused)


def test_replicas_of_several_pods_need_what_runs_them(tmp_path: Path) -> None:
    error = llm_wish(tmp_path, "pipeline").change(
        "environment.yaml", "  leader_worker_set: {install: external, version: 0.10.0}\n", "").error()

    assert error.path == "spec.parallelism"
    assert "leader_worker_set" in error.remedy


def test_the_gateway_has_a_certificate_for_every_tenants_host(tmp_path: Path) -> None:
    wish = reached(tmp_path, "tensor", "  traffic: {}\n").change(
        "environment.yaml", "    certificate_secret: llm-certificate\n",
        "    certificate_secret: llm-certificate\n    certificate: {issuer: corporate}\n").change(
        "environment.yaml", "  keda:", "  cert_manager: {install: external, version: v1.21.1}\n  keda:")
    found = _one(_views(wish), "Certificate", "llm-certificate")["spec"]

    assert (found["secretName"], found["dnsNames"]) == ("llm-certificate", ["acme.llm.example.com"])
    assert found["issuerRef"] == {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": "corporate"}


def test_a_certificate_needs_what_makes_it(tmp_path: Path) -> None:
    error = reached(tmp_path, "tensor").change(
        "environment.yaml", "    certificate_secret: llm-certificate\n",
        "    certificate_secret: llm-certificate\n    certificate: {issuer: corporate}\n").error()

    assert error.path == "spec.gateway.certificate"


def test_limits_are_counted_in_a_redis_that_only_the_rate_limit_service_reaches(tmp_path: Path) -> None:
    wish = reached(tmp_path, "tensor", "  traffic: {}\n").change(
        "environment.yaml", "    rate_limit_redis: redis.redis:6379\n", f"    redis: {{image: {REDIS}}}\n")
    views = _views(wish)
    border, pod = _one(views, "NetworkPolicy", "rate-limit-redis")["spec"], _one(views, "Deployment", "rate-limit-redis")["spec"]["template"]["spec"]
    config = _releases(views)["envoy-gateway"].props["values"]["config"]["envoyGateway"]

    assert config["rateLimit"]["backend"]["redis"]["url"] == "rate-limit-redis.envoy-gateway-system.svc.cluster.local:6379"
    assert border["ingress"] == [{"from": [{"podSelector": {"matchLabels": {"app.kubernetes.io/name": "envoy-ratelimit"}}}],
                                  "ports": [{"port": 6379, "protocol": "TCP"}]}]
    assert border["egress"] == []
    assert pod["containers"][0]["image"] == REDIS


@pytest.mark.parametrize(("old", "new", "path", "says"), [
    ("envoy_gateway: {install: release, version: v1.9.0}", "envoy_gateway: {install: external, version: v1.7.0}",
     "spec.gateway.envoy_gateway.version", "needs Envoy Gateway v1.8.1"),
    ('kubernetes_version: "1.36"', 'kubernetes_version: "1.31"', "spec.gateway.envoy_ai_gateway.version", "needs Kubernetes 1.32"),
    ("keda: {install: external, version: 2.20.2}", "keda: {install: external, version: 2.20.2}\n  cert_manager: {install: release, version: v1.9.1}",
     "spec.cert_manager.version", "not known here"),
    ("leader_worker_set: {install: external, version: 0.10.0}", "leader_worker_set: {install: release, version: 0.10.0, values: {replicaCount: 3}}",
     "spec.leader_worker_set.values.replicaCount", "is set by gpuplane"),
    (KSERVE, f"{RELEASED.replace('v0.20.0}', 'v0.20.0, values: {kserve: {inferenceServiceConfig: {enabled: false}}}}')}",
     "spec.kserve.values.kserve.inferenceServiceConfig.enabled", "without TLS"),
    (KSERVE, f"{RELEASED.replace('v0.20.0}', 'v0.20.0, values: {kserve: {enableLLMInferenceServiceTLS: true}}}')}",
     "spec.kserve.values.kserve.enableLLMInferenceServiceTLS", ""),
    ("envoy_gateway: {install: release, version: v1.9.0}", "envoy_gateway: {install: release, version: v1.9.0, values: {deploymnt: {}}}",
     "spec.gateway.envoy_gateway.values.deploymnt", "Did you mean deployment")])
def test_versions_that_do_not_go_together_and_values_that_nobody_takes_are_refused(
        old: str, new: str, path: str, says: str, tmp_path: Path) -> None:
    spec = reached(tmp_path, "tensor").change("environment.yaml", old, new).load()
    found = [one for one in plan(spec, catalog_of(spec), AS_OF).refusals if one.path == path]

    assert found
    assert says in f"{found[0].claim} {found[0].remedy}"


def test_images_beside_model_servers_are_pinned_by_digest_where_it_is_said(tmp_path: Path) -> None:
    digest = "sha256:" + "7f" * 32
    pinned = f"{RELEASED.replace('version: v0.20.0', f'version: v0.20.0, image_digests: {{agent: {digest}, storage_initializer: {digest}}}')}"
    views = _views(llm_wish(tmp_path, "tensor").change("environment.yaml", KSERVE, pinned))
    said, container = _releases(views)["kserve"].props["values"]["kserve"], _one(views, "ClusterStorageContainer", "gpuplane-storage")

    assert (said["agent"], said["storage"], "router" in said) == ({"tag": f"v0.20.0@{digest}"}, {"tag": f"v0.20.0@{digest}"}, False)
    assert container["spec"]["container"]["image"] == f"docker.io/kserve/storage-initializer:v0.20.0@{digest}"


def test_images_of_a_kserve_that_is_there_are_pinned_where_it_is_installed(tmp_path: Path) -> None:
    digest = "sha256:" + "7f" * 32
    error = llm_wish(tmp_path, "tensor").change(
        "environment.yaml", "version: v0.20.0}", f"version: v0.20.0, image_digests: {{router: {digest}}}}}").error()

    assert error.path == "spec.kserve.image_digests.router"
