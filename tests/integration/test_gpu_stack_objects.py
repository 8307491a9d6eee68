"""Topologies, fair sharing, fungibility, Volcano queues, DRA templates and the operator's own objects, judged by the real API server.

Kueue's webhooks are the real ones; of Volcano and the GPU Operator the CRDs are there. The botched twin of each object is refused there,
and by us before.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import dynamic
from kubernetes.client.exceptions import ApiException

from gpuplane.catalog import catalog_of
from gpuplane.components import gpu_operator
from gpuplane.components.gpu_operator import DraArgs, DrainArgs, DriverArgs, GpuOperatorArgs
from gpuplane.components.gpu_quotas import TaintArgs
from gpuplane.delivery.offline_engine import render
from gpuplane.planning import plan
from gpuplane.spec.errors import InvalidSpec
from tests.integration.cluster import Cluster, wait_for
from tests.integration.extra_crds import install_crds, is_served
from tests.planning.wish import AS_OF, EXISTING, Wish, valid

pytestmark = pytest.mark.integration

NEEDED = {"gpu-operator.yaml": ("nvidia.com/v1", "ClusterPolicy"), "volcano.yaml": ("scheduling.volcano.sh/v1beta1", "Queue")}
KINDS = {"ClusterQueue", "Cohort", "LocalQueue", "Queue", "ResourceClaimTemplate", "ResourceFlavor", "Role", "RoleBinding", "Topology",
         "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "WorkloadPriorityClass"}
ENV, ACME = "environment spec", "tenants/acme spec"
LEVELS = ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
SPACES = ("acme", "beta")


@pytest.fixture(scope="module")
def judge(cluster: Cluster) -> Iterator[Cluster]:
    """The cluster with the CRDs, and the tenants' namespaces."""
    install_crds(cluster, *NEEDED)
    for version, kind in NEEDED.values():
        wait_for(lambda version=version, kind=kind: is_served(version, kind), f"{kind} is served")  # type: ignore[misc]
    found, spaces = Cluster(), [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in SPACES]
    for body in spaces:
        found.create(body)
    yield found
    found.delete(*spaces)


def refusal(cluster: Cluster, body: dict[str, Any]) -> str:
    """Why a server-side dry run refuses an object; empty where it does not."""
    meta = body["metadata"]
    namespaced = {"namespace": meta["namespace"]} if meta.get("namespace") else {}
    try:
        cluster.kind(body["apiVersion"], body["kind"]).server_side_apply(
            body=body, name=meta["name"], field_manager="gpuplane-test", force_conflicts=True, dry_run="All", field_validation="Strict",
            **namespaced)
    except (ApiException, dynamic.exceptions.DynamicApiError) as error:
        return f"{body['kind']} {meta['name']}: {str(error.body)[:600]}"
    return ""


def everything() -> Wish:
    """Topology, fair sharing of both kinds, flavor order, LocalQueues, DRA and a pool of Volcano."""
    wish = valid().put(f"{ENV}.kueue.topologies", {"racks": {"levels": LEVELS, "pools": ["h100"]}})
    wish.put("node-pools/h100 spec.eks_managed_node_group.min_nodes", 1).put(f"{ENV}.kueue.admission_fair_sharing", {})
    wish.put(f"{ENV}.gpu_operator", {"version": "v26.7.0", "dra": {"compute_domains": True}})
    wish.put(f"{ENV}.volcano", {"install": "release", "version": "1.15.1", "pools": ["batch"]})
    wish.pool("batch", "A100-SXM-80GB", existing_nodes={**EXISTING, "node_selector": {"rack": "batch"}})
    wish.put("tenants/beta spec.quota", {"h100": {"nominal_quota": 2, "borrowing_limit": 4}, "batch": 4})
    wish.put(f"{ACME}.quota", {"h100": 6, "batch": {"nominal_quota": 10, "borrowing_limit": 4, "lending_limit": 7}})
    wish.put(f"{ACME}.local_queues", {"train": {"fair_sharing_weight": 2}}).put(f"{ACME}.fair_sharing_weight", 2)
    return wish.put(f"{ACME}.flavor_fungibility", {
        "pools": ["h100"], "when_can_borrow": "TryNextFlavor", "preference": "PreemptionOverBorrowing"}).put(
        f"{ACME}.access", {"groups": {"acme-admins": "developer"}})


def objects(wish: Wish) -> list[dict[str, Any]]:
    """The planned objects of the kinds that are judged here."""
    spec = wish.spec()
    planned = plan(spec, catalog_of(spec), AS_OF)
    assert planned.refusals == ()
    return [dict(view.props) for view in render(spec, planned, lambda _: None) if view.kind in KINDS and view.custom]


def test_the_api_server_and_kueue_accept_every_object(judge: Cluster) -> None:
    found = objects(everything())

    assert {"Topology", "Queue", "ResourceClaimTemplate", "LocalQueue", "ClusterQueue"} <= {body["kind"] for body in found}
    assert [problem for body in found if (problem := refusal(judge, body))] == []


def _botched(kind: str, name: str, change: dict[str, Any]) -> dict[str, Any]:
    body = copy.deepcopy(next(one for one in objects(everything()) if one["kind"] == kind and one["metadata"]["name"] == name))
    body["spec"] = {**body["spec"], **change}
    return body


BOTCHED: dict[str, tuple[str, str, dict[str, Any], str, Any]] = {
    "hostname above zone": ("Topology", "racks", {"levels": [{"nodeLabel": level} for level in reversed(LEVELS)]},
                            f"{ENV}.kueue.topologies", {"racks": {"levels": LEVELS[::-1], "pools": ["h100"]}}),
    "a level twice": ("Topology", "racks", {"levels": [{"nodeLabel": LEVELS[0]}] * 2},
                      f"{ENV}.kueue.topologies", {"racks": {"levels": LEVELS[:1] * 2, "pools": ["h100"]}}),
    "a preference that nothing leads to": ("ClusterQueue", "acme", {"flavorFungibility": {"whenCanBorrow": "MayStopSearch", "preference": "BorrowingOverPreemption"}},
                                           f"{ACME}.flavor_fungibility", {"preference": "BorrowingOverPreemption"}),
    "a weight below nothing": ("ClusterQueue", "acme", {"fairSharing": {"weight": "-1"}}, f"{ACME}.fair_sharing_weight", -1),
}


@pytest.mark.parametrize(("kind", "name", "change", "path", "value"), BOTCHED.values(), ids=BOTCHED)
def test_what_the_api_server_refuses_we_refuse_before(judge: Cluster, kind: str, name: str, change: dict[str, Any], path: str, value: Any) -> None:
    assert refusal(judge, _botched(kind, name, change))
    with pytest.raises(InvalidSpec):
        everything().put(path, value).spec()


DRIVER = DriverArgs("580.126.20", kernel_module="open", drain=DrainArgs(60, force=True, delete_empty_dirs=True))
SHARED = GpuOperatorArgs("v26.7.0", DRIVER, True, mig_layouts={"a": {"1g.10gb": 7}}, time_slicing={"b": 2}, tolerations=(TaintArgs("k", "v", "NoSchedule"),),
                         dcgm_service_monitor=True, monitor_labels={"release": "kps"})


def _cluster_policy(values: dict[str, Any]) -> dict[str, Any]:
    """The ClusterPolicy that the chart's template makes of our values: the blocks that it copies (templates/clusterpolicy.yaml)."""
    spec = {name: copy.deepcopy(values[name]) for name in ("cdi", "daemonsets", "dcgmExporter", "devicePlugin", "mig", "migManager", "toolkit")}
    for name in ("devicePlugin", "migManager"):
        spec[name]["config"] = {key: spec[name]["config"][key] for key in ("name", "default")}
    driver = copy.deepcopy(values["driver"])
    driver["useNvidiaDriverCRD"] = driver.pop("nvidiaDriverCRD")["enabled"]
    driver["upgradePolicy"]["podDeletion"] = driver["upgradePolicy"].pop("gpuPodDeletion")
    defaults = {"operator": {"defaultRuntime": "containerd"}, "dcgm": {"enabled": False}, "gfd": {"enabled": True}, "nodeStatusExporter": {"enabled": False}}
    return {"apiVersion": "nvidia.com/v1", "kind": "ClusterPolicy", "metadata": {"name": "cluster-policy"}, "spec": {**defaults, **spec, "driver": driver}}


def _gpu_cluster(values: dict[str, Any]) -> dict[str, Any]:
    """The GPUCluster, likewise (templates/gpucluster.yaml)."""
    return {"apiVersion": "nvidia.com/v1alpha1", "kind": "GPUCluster", "metadata": {"name": "gpu-cluster"},
            "spec": {name: values[name] for name in ("draDriver", "dcgmExporter", "daemonsets")}}


def test_the_operators_objects_are_of_its_crds(judge: Cluster) -> None:
    assert refusal(judge, _cluster_policy(gpu_operator.values(SHARED))) == ""
    assert refusal(judge, _gpu_cluster(gpu_operator.values(GpuOperatorArgs("v26.7.0", DRIVER, dra=DraArgs(True))))) == ""


def test_a_misspelt_upgrade_policy_would_be_refused_there_too(judge: Cluster) -> None:
    values = gpu_operator.values(SHARED)
    values["driver"]["upgradePolicy"]["drian"] = {}
    assert "drian" in refusal(judge, _cluster_policy(values))
