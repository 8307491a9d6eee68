"""What the fields of Kueue, Volcano and DRA change in the planned objects."""

from __future__ import annotations

from typing import Any

import pytest

from gpuplane.catalog import catalog_of
from gpuplane.delivery.offline_engine import render
from gpuplane.graph.resource_view import ResourceView
from gpuplane.planning import plan
from tests.planning.wish import AS_OF, EXISTING, Wish, valid

ENV = "environment spec"
KUEUE = {"install": "release", "version": "0.19.2"}
BATCH = {**EXISTING, "node_selector": {"rack": "batch"}}


def views(wish: Wish) -> list[ResourceView]:
    """Everything that would be applied; the wish must be granted."""
    spec = wish.spec()
    planned = plan(spec, catalog_of(spec), AS_OF)
    assert planned.refusals == ()
    return list(render(spec, planned, lambda _: None))


def props(found: list[ResourceView], kind: str, name: str, namespace: str = "") -> dict[str, Any]:
    """The object of that kind and name."""
    return dict(next(view.props for view in found if view.kind == kind and view.name == name and view.namespace == namespace))


def names(found: list[ResourceView], kind: str) -> list[str]:
    """Names of the objects of a kind."""
    return sorted(view.name for view in found if view.kind == kind and view.custom)


def _with_volcano() -> Wish:
    wish = valid().put(f"{ENV}.volcano", {"install": "release", "version": "1.15.1", "pools": ["batch"]})
    wish.pool("batch", "A100-SXM-80GB", existing_nodes=BATCH, taints=[{"key": "volcano", "value": "batch"}])
    wish.put("tenants/beta spec.quota", {"h100": {"nominal_quota": 2, "borrowing_limit": 4}, "batch": 4})
    return wish.put("tenants/acme spec.quota", {"h100": 6, "batch": {"nominal_quota": 10, "borrowing_limit": 4, "lending_limit": 7}}).put(
        "tenants/acme spec.access", {"groups": {"acme-admins": "developer"}})


def test_a_topology_is_an_object_and_its_flavor_names_it() -> None:
    wish = valid().put(f"{ENV}.kueue.topologies", {"racks": {"levels": ["example.com/rack", "kubernetes.io/hostname"], "pools": ["h100"]}})
    found = views(wish.put("node-pools/h100 spec.eks_managed_node_group.min_nodes", 1))

    assert props(found, "Topology", "racks")["spec"] == {"levels": [{"nodeLabel": "example.com/rack"}, {"nodeLabel": "kubernetes.io/hostname"}]}
    assert props(found, "ResourceFlavor", "h100")["spec"]["topologyName"] == "racks"


def test_a_service_that_wants_its_pods_near_says_so_on_their_template() -> None:
    wish = valid().put(f"{ENV}.kueue.topologies", {"racks": {"levels": ["example.com/rack"], "pools": ["h100"]}})
    wish.put("node-pools/h100 spec.eks_managed_node_group.min_nodes", 1)
    found = views(wish.put("services/acme/chat spec.placement.topology", {"required": "example.com/rack"}))
    embed = views(wish.put("services/acme/embed spec.placement.topology", {"preferred": "example.com/rack"}))

    assert props(found, "InferenceService", "chat", "acme")["spec"]["predictor"]["annotations"] == {
        "kueue.x-k8s.io/podset-required-topology": "example.com/rack"}
    assert props(embed, "InferenceService", "embed", "acme")["spec"]["predictor"]["annotations"] == {
        "kueue.x-k8s.io/podset-preferred-topology": "example.com/rack"}
    assert "annotations" not in props(found, "InferenceService", "embed", "acme")["spec"]["predictor"]


def test_admission_fair_sharing_reaches_configuration_cluster_queue_and_local_queues() -> None:
    wish = valid().put(f"{ENV}.kueue", {**KUEUE, "admission_fair_sharing": {"usage_half_life_hours": 48}})
    found = views(wish.put("tenants/acme spec.local_queues", {"train": {"fair_sharing_weight": 1.5}}))

    release = next(view for view in found if view.kind == "Release" and view.name == "kueue")
    assert "usageHalfLifeTime: 48h" in release.props["values"]["managerConfig"]["controllerManagerConfigYaml"]
    assert props(found, "ClusterQueue", "acme")["spec"]["admissionScope"] == {"admissionMode": "UsageBasedAdmissionFairSharing"}
    assert props(found, "LocalQueue", "train", "acme")["spec"] == {"clusterQueue": "acme", "fairSharing": {"weight": "1500m"}}
    assert props(found, "LocalQueue", "gpu", "acme")["spec"] == {"clusterQueue": "acme"}


def test_flavors_are_tried_in_the_order_that_the_tenant_wants() -> None:
    wish = valid().pool("a100", "A100-SXM-80GB", existing_nodes=EXISTING).put("tenants/acme spec.quota", {"h100": 6, "a100": 2})
    by_name = props(views(wish), "ClusterQueue", "acme")["spec"]
    wish.put("tenants/acme spec.flavor_fungibility", {"pools": ["h100"], "when_can_borrow": "TryNextFlavor", "preference": "BorrowingOverPreemption"})
    ordered = props(views(wish), "ClusterQueue", "acme")["spec"]

    assert [flavor["name"] for flavor in by_name["resourceGroups"][0]["flavors"]] == ["a100", "h100"]
    assert "flavorFungibility" not in by_name
    assert [flavor["name"] for flavor in ordered["resourceGroups"][0]["flavors"]] == ["h100", "a100"]
    assert ordered["flavorFungibility"] == {"whenCanBorrow": "TryNextFlavor", "whenCanPreempt": "TryNextFlavor", "preference": "BorrowingOverPreemption"}


def test_dra_brings_a_claim_template_to_every_tenant_and_kueue_counts_it() -> None:
    found = views(valid().put(f"{ENV}.gpu_operator", {"version": "v26.7.0", "dra": {"claim_template": "one-gpu"}}))

    assert props(found, "ResourceClaimTemplate", "one-gpu", "acme")["spec"] == {"spec": {"devices": {"requests": [
        {"name": "gpu", "exactly": {"deviceClassName": "gpu.nvidia.com", "allocationMode": "ExactCount", "count": 1}}]}}}
    release = next(view for view in found if view.kind == "Release" and view.name == "kueue")
    assert "deviceClassNames" in release.props["values"]["managerConfig"]["controllerManagerConfigYaml"]
    assert next(view for view in found if view.kind == "Release" and view.name == "gpu-operator").props["values"]["gpuCluster"] == {"deployCR": True}
    assert names(views(valid()), "ResourceClaimTemplate") == []


def test_a_pool_of_volcano_has_its_queues_and_none_of_kueues() -> None:
    found = views(_with_volcano())
    queue, cluster_queue = props(found, "Queue", "acme")["spec"], props(found, "ClusterQueue", "acme")["spec"]

    assert names(found, "ResourceFlavor") == ["h100"]
    assert [flavor["name"] for flavor in cluster_queue["resourceGroups"][0]["flavors"]] == ["h100"]
    assert names(found, "Queue") == ["acme", "beta"]
    amounts = (queue["guarantee"]["resource"], queue["deserved"], queue["capability"])
    assert [amount["nvidia.com/gpu"] for amount in amounts] == ["3", "10", "14"]
    assert all({"cpu", "memory"} <= amount.keys() for amount in amounts)
    assert props(found, "Role", "tenant-volcano", "acme")["rules"][0]["apiGroups"] == ["batch.volcano.sh"]
    policy = props(found, "ValidatingAdmissionPolicy", "gpuplane-volcano-jobs")["spec"]
    assert "t.template.spec.nodeSelector['rack'] == 'batch'" in policy["validations"][1]["expression"]


def test_volcano_that_is_there_already_is_not_installed() -> None:
    found = views(_with_volcano().put(f"{ENV}.volcano.install", "external"))

    assert not [view for view in found if view.kind == "Release" and view.name == "volcano"]
    assert names(found, "Queue") == ["acme", "beta"]


@pytest.mark.parametrize(("field", "value", "path", "expected"), [
    ("replicas", 1, ("controllerManager", "replicas"), 1),
    ("replicas", 3, ("controllerManager", "podDisruptionBudget"), {"enabled": True, "minAvailable": 1}),
    ("values", {"enableKueueViz": True}, ("enableKueueViz",), True),
])
def test_fields_of_the_release_reach_its_values(field: str, value: Any, path: tuple[str, ...], expected: Any) -> None:
    at: Any = next(view for view in views(valid().put(f"{ENV}.kueue.{field}", value)) if view.kind == "Release" and view.name == "kueue").props["values"]
    for step in path:
        at = at[step]
    assert at == expected
