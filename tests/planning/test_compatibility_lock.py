"""CL-01 to CL-06: what does not go together on one cluster is refused where it is written; the repaired twin is not."""

from __future__ import annotations

import pytest

from tests.planning.test_refusals import CHAT, POOL, Change, put, valid

ENV = "environment"
OPERATOR, DRA, KUEUE, VALUES = "spec.gpu_operator", "spec.gpu_operator.dra", "spec.kueue", "spec.gpu_operator.values"
RELEASE = "spec.eks_managed_node_group.release_version"
WITH = {"version": "v26.7.0"}
RACK = {"levels": ["topology.kubernetes.io/zone", "kubernetes.io/hostname"], "pools": ["h100"]}


def found(change: Change, rule: str) -> list[tuple[str, str]]:
    """Path and words of a rule's refusals."""
    return [(refusal.path, f"{refusal.claim} {refusal.remedy}") for refusal in change(valid()).plan().refusals if refusal.rule == rule]


BAD: dict[str, tuple[Change, str, str, str]] = {
    "a misspelt value": (
        put((ENV, OPERATOR, {**WITH, "values": {"driver": {"maneger": {}}}})), "CL-01", f"{VALUES}.driver.maneger",
        "gpu-operator v26.7.0 has no value driver.maneger. Did you mean driver.manager?"),
    "a value of another type": (
        put((ENV, OPERATOR, {**WITH, "values": {"psa": {"enabled": "no"}}})), "CL-01", f"{VALUES}.psa.enabled", "takes bool at psa.enabled"),
    "a value that a field sets": (
        put((ENV, OPERATOR, {**WITH, "values": {"devicePlugin": {"config": {"name": "mine"}}}})), "CL-01", f"{VALUES}.devicePlugin.config",
        "is set by gpuplane: it follows from the pools' sharing. Leave it out here."),
    "kueue's own configuration": (
        put((ENV, f"{KUEUE}.values", {"managerConfig": {"controllerManagerConfigYaml": "x"}})), "CL-01",
        f"{KUEUE}.values.managerConfig.controllerManagerConfigYaml", "gpuplane states Kueue's whole configuration"),
    "a chart that nobody wrote down": (
        put((ENV, f"{KUEUE}.version", "0.30.0")), "CL-02", f"{KUEUE}.version", "what values chart kueue 0.30.0 takes is not known here. Choose one of: 0.18.6, 0.19.2"),
    "a cluster older than the chart": (
        put((ENV, "spec.cluster.kubernetes_version", "1.31"), (POOL, RELEASE, "1.31.3-20261104")), "CL-02", "spec.kserve.version",
        "kserve-resources v0.20.0 needs Kubernetes 1.32 or newer; the cluster has 1.31"),
    "an API that is not served": (
        put((ENV, KUEUE, {"install": "external", "version": "0.14.8"})), "CL-02", f"{KUEUE}.version",
        "gpuplane writes kueue.x-k8s.io/v1beta2, which kueue 0.14.8 does not serve; it serves kueue.x-k8s.io/v1beta1"),
    "a kubelet newer than the API server": (
        put((POOL, RELEASE, "1.37.0-20261104")), "CL-03", RELEASE, "the node image has a kubelet 1.37, and the cluster is 1.36"),
    "a kubelet four versions behind": (
        put((POOL, RELEASE, "1.32.9-20251104")), "CL-03", RELEASE, "at most 3 minor versions older"),
    "dra beside time-slicing": (
        put((ENV, OPERATOR, {**WITH, "dra": {}}), (POOL, "spec.sharing", {"time_slicing": {"replicas": 2}})), "CL-04", "spec.sharing",
        "GPUs shared by time-slicing are handed out by the device plugin, and"),
    "dra beside an image's own device plugin": (
        put((ENV, OPERATOR, {**WITH, "dra": {}}), (POOL, "spec.eks_managed_node_group.ami_type", "BOTTLEROCKET_x86_64_NVIDIA")), "CL-04",
        "spec.eks_managed_node_group.ami_type", "brings a device plugin of its own, and"),
    "dra on an operator that has none": (
        put((ENV, OPERATOR, {"version": "v26.3.3", "dra": {}})), "CL-04", DRA, "dra needs gpu-operator v26.7.0 or newer, and this is v26.3.3"),
    "dra under a kueue that does not count it": (
        put((ENV, OPERATOR, {**WITH, "dra": {}}), (ENV, KUEUE, {"install": "external", "version": "0.18.6"})), "CL-04", DRA,
        "dra needs kueue 0.19.0 or newer"),
    "dra on an old cluster": (
        put((ENV, OPERATOR, {**WITH, "dra": {}}), (ENV, "spec.cluster.kubernetes_version", "1.35"), (POOL, RELEASE, "1.35.3-20261104")), "CL-04", DRA,
        "dra needs Kubernetes 1.36 or newer, and this is 1.35"),
    "a service on volcano's pool": (
        put((ENV, "spec.volcano", {"install": "release", "version": "1.15.1", "pools": ["h100"]})), "CL-05", "spec.placement.pool",
        "services are admitted by Kueue, and"),
    "a topology on a pool that should grow": (
        put((ENV, f"{KUEUE}.topologies", {"racks": RACK})), "CL-06", f"{KUEUE}.topologies.racks.pools",
        "has 0 to 1 nodes"),
}


@pytest.mark.parametrize(("change", "rule", "path", "words"), BAD.values(), ids=BAD)
def test_what_does_not_go_together_is_refused(change: Change, rule: str, path: str, words: str) -> None:
    refusals = found(change, rule)
    assert path in [where for where, _ in refusals]
    assert words in next(said for where, said in refusals if where == path)


def test_both_places_are_named() -> None:
    change = put((ENV, OPERATOR, {**WITH, "dra": {}}), (POOL, "spec.sharing", {"time_slicing": {"replicas": 2}}))
    refusal = next(one for one in change(valid()).plan().refusals if one.rule == "CL-04")

    assert refusal.file.endswith("node-pools/h100.yaml")
    assert "environment.yaml:" in refusal.claim
    assert DRA in refusal.claim


@pytest.mark.parametrize("change", [
    put(), put((ENV, OPERATOR, WITH)), put((ENV, OPERATOR, {**WITH, "dra": {"compute_domains": True}})),
    put((ENV, OPERATOR, {**WITH, "driver": {"version": "595.91.07"}, "values": {"operator": {"resources": {"limits": {"memory": "1Gi"}}}}})),
    put((ENV, f"{KUEUE}.values", {"controllerManager": {"manager": {"logLevel": 3}}})),
    put((ENV, f"{KUEUE}.topologies", {"racks": RACK}), (POOL, "spec.eks_managed_node_group.min_nodes", 1)),
    put((POOL, RELEASE, "1.34.1-20251016"), (CHAT, "spec.release.vllm.cuda", "12.9")),
])
def test_what_goes_together_is_not_refused(change: Change) -> None:
    assert [refusal for refusal in change(valid()).plan().refusals if refusal.rule.startswith("CL-")] == []


def test_what_the_table_does_not_know_is_said() -> None:
    notes = put((ENV, f"{KUEUE}.version", "0.19.5"))(valid()).plan().notes
    assert "The values of chart kueue 0.19.5 are checked against those of 0.19.2." in notes
    old = put((ENV, KUEUE, {"install": "external", "version": "0.2.0"}))(valid()).plan().notes
    assert "What kueue 0.2.0 needs and brings is not known here." in old


def test_the_pinned_driver_is_what_engines_are_judged_by() -> None:
    old = put((ENV, OPERATOR, {**WITH, "driver": {"version": "570.124.06"}}))
    assert any("needs driver branch 580 or newer" in said and "have 570.124.06 (pinned in" in said for _, said in found(old, "NP-05"))
    assert found(put((ENV, OPERATOR, {**WITH, "driver": {"version": "580", "precompiled": True}})), "NP-05") == []
