"""Who wrote a field, and what is no drift."""

from __future__ import annotations

import pytest

from gpuplane.delivery.applying.expected_changes import expected_changes, why_expected
from gpuplane.delivery.applying.field_owners import Owner, last_writers, owners, steps

LIVE = {
    "metadata": {"labels": {"a.b/c": "x"}, "managedFields": [
        {"manager": "pulumi-kubernetes-1a2b", "operation": "Apply", "time": "2026-01-01T00:00:00Z",
         "fieldsV1": {"f:spec": {"f:hard": {"f:pods": {}, "f:services": {}}, "f:containers": {'k:{"name":"main"}': {"f:image": {}}}}}},
        {"manager": "kubectl-edit", "operation": "Update", "time": "2026-01-02T00:00:00Z",
         "fieldsV1": {"f:metadata": {"f:labels": {"f:a.b/c": {}}}, "f:spec": {"f:hard": {"f:pods": {}}, "f:containers": {
             'k:{"name":"side"}': {".": {}, "f:image": {}}}, "f:cidrs": {}}}},
        {"manager": "kube-controller-manager", "operation": "Update", "time": "2026-01-03T00:00:00Z", "subresource": "scale",
         "fieldsV1": {"f:spec": {"f:replicas": {}}}}]},
    "spec": {"hard": {"pods": "7"}, "replicas": 3, "containers": [{"name": "main", "image": "a"}, {"name": "side", "image": "b"}], "cidrs": ["a"]}}


@pytest.mark.parametrize(("path", "expected"), [
    ("spec.hard.pods", ["kubectl-edit"]),
    ("spec.hard.services", []),
    ('metadata.labels["a.b/c"]', ["kubectl-edit"]),
    ("spec.containers[1].image", ["kubectl-edit"]),
    ("spec.containers[0].image", []),
    ("spec.cidrs[0]", ["kubectl-edit"]),
    ("spec.replicas", ["kube-controller-manager"]),
    ("spec.nowhere", []),
])
def test_owners_are_those_who_set_the_field_last(path: str, expected: list[str]) -> None:
    assert [owner.manager for owner in owners(LIVE, path)] == expected


def test_a_path_is_read_as_pulumi_writes_it() -> None:
    assert steps('metadata.labels["a.b/c"]') == ("metadata", "labels", "a.b/c")
    assert steps("spec.ports[0].port") == ("spec", "ports", 0, "port")


def test_where_nobody_owns_a_field_the_last_writers_are_named() -> None:
    assert [owner.manager for owner in last_writers(LIVE)] == ["kube-controller-manager", "kubectl-edit"]


@pytest.mark.parametrize(("kind", "path", "manager", "expected"), [
    ("Deployment", "spec.replicas", "kube-controller-manager", True),
    ("Deployment", "spec.replicas", "kubectl-scale", False),
    ("ResourceQuota", "spec.hard.pods", "kubectl-edit", False),
    ("ClusterQueue", "status.conditions[0].type", "kueue", True),
    ("ClusterQueue", "spec.stopPolicy", "kubectl-patch", False),
    ("Service", "spec.clusterIP", "kube-apiserver", True),
    ("NetworkPolicy", "spec.egress", "kubectl-edit", False),
    ("RoleBinding", "subjects[0].name", "kubectl-edit", False),
])
def test_only_what_controllers_do_by_design_is_no_drift(kind: str, path: str, manager: str, expected: bool) -> None:
    assert bool(why_expected(kind, path, [Owner(manager)])) is expected


def test_a_hand_beside_a_controller_is_a_hand() -> None:
    assert not why_expected("Deployment", "spec.replicas", [Owner("kube-controller-manager"), Owner("kubectl-scale")])


def test_every_row_says_why() -> None:
    assert all(row.why for row in expected_changes())
